#!/bin/sh
# What the container holds: a virtual environment with raresign[serve], and no torch.
# docker/Dockerfile runs it; so does `make container`, where there is no docker.
# Usage: tools/container_steps.sh VENV; PYTHON names another Python than python3.
set -eu
venv=$1
root=$(cd "$(dirname "$0")/.." && pwd)

# Built from a copy, so that no folder `build` of an earlier version gets into the wheel.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$root/src" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$copy"
find "$copy" -name '*.egg-info' -prune -exec rm -rf {} +

"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install -q --no-cache-dir --disable-pip-version-check \
    -c "$root/constraints.txt" "$copy[serve]"
