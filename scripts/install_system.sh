#!/usr/bin/env bash
# Installs what the tests need beside Python and Node: a browser, a Redis, balancers, a compiler, valgrind, curl, Prometheus, what
# checks units of systemd, and the languages of the documentation's examples.
set -euo pipefail

# Servers are not on everybody's path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

wanted=()
command -v chromium >/dev/null || command -v google-chrome >/dev/null || [ -n "${CHROMIUM:-}" ] || wanted+=(chromium)
command -v cc >/dev/null || wanted+=(gcc libc6-dev)
command -v openssl >/dev/null || wanted+=(openssl)
command -v redis-server >/dev/null || wanted+=(redis-server)
command -v haproxy >/dev/null || wanted+=(haproxy)
command -v nginx >/dev/null || wanted+=(nginx-light)
command -v valgrind >/dev/null || wanted+=(valgrind)
command -v prometheus >/dev/null && command -v promtool >/dev/null || wanted+=(prometheus)
command -v curl >/dev/null || wanted+=(curl)
command -v systemd-analyze >/dev/null || wanted+=(systemd)
command -v go >/dev/null || wanted+=(golang-go)
php -m 2>/dev/null | grep -qx curl || wanted+=(php-cli php-curl)
ruby -e 'require "jwt"' 2>/dev/null || wanted+=(ruby ruby-jwt)
[ ${#wanted[@]} -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
if ! command -v apt-get >/dev/null; then
    echo "Please install: ${wanted[*]}" >&2
    exit 1
fi
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}"
