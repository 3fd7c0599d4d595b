#!/usr/bin/env bash
# Installs what the tests of deploy/ need: Caddy, a container engine with compose, and a base for images.
# Where an engine runs and can pull, it pulls the real base images, and no stand-ins are made.
set -euo pipefail
cd "$(dirname "$0")/.."

stand_in=.setup/python-3.13.tar
images=(python:3.13-slim caddy:2 valkey/valkey:8)

# Servers are not on everybody's path.
PATH=$PATH:/usr/sbin:/usr/local/sbin

has_images() {
    docker image inspect "${images[@]}" >/dev/null 2>&1
}

pulled() {
    docker version >/dev/null 2>&1 || return 1
    has_images && return 0
    for image in "${images[@]}"; do
        timeout 120 docker pull --quiet "$image" >/dev/null 2>&1 || return 1
    done
}

wanted=()
command -v caddy >/dev/null || wanted+=(caddy)
docker version >/dev/null 2>&1 || command -v dockerd >/dev/null || wanted+=(docker.io)
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || wanted+=(docker-compose)
needs_stand_in=
if ! pulled && [ ! -s "$stand_in" ]; then
    needs_stand_in=yes
    command -v mmdebstrap >/dev/null || wanted+=(mmdebstrap)
fi

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
if [ ${#wanted[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "Please install: ${wanted[*]}" >&2
        exit 1
    fi
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}"
fi

if [ -n "$needs_stand_in" ]; then
    # Debian 13 has Python 3.13: with it, the image is built and tested where python:3.13-slim cannot be pulled.
    mkdir -p .setup
    packages=python3,python3-venv,python-is-python3,ca-certificates,passwd
    "${as_root[@]}" mmdebstrap --quiet --format=tar --variant=minbase --include="$packages" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' trixie "$stand_in.new"
    mv "$stand_in.new" "$stand_in"
fi
