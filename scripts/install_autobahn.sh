#!/usr/bin/env bash
# Builds the Autobahn test suite where there is a Python 2.7; elsewhere its tests are skipped, and say why.
set -uo pipefail
cd "$(dirname "$0")/.."

python=
for candidate in "$(command -v python2.7)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7; do
    # A shim of a version manager may be there without what it stands for.
    [ -x "$candidate" ] && "$candidate" --version >/dev/null 2>&1 && python=$candidate
done
if [ -z "$python" ]; then
    echo "No Python 2.7: the Autobahn suite is left out."
    exit 0
fi
[ -x .setup/autobahn/bin/wstest ] && exit 0
# The last virtualenv that makes environments for Python 2.7.
.venv/bin/uv pip install --quiet --python .venv/bin/python --target .setup/virtualenv "virtualenv==20.15.1" &&
    PYTHONPATH=.setup/virtualenv .venv/bin/python -m virtualenv --quiet --python "$python" .setup/autobahn &&
    .setup/autobahn/bin/pip install --quiet --no-python-version-warning -r server/tests/websocket/autobahn.txt ||
    echo "The Autobahn suite could not be installed: it is left out."
