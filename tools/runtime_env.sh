#!/bin/sh
# Makes a virtual environment with what answers and nothing else, no torch: the proof that a bundle
# needs no more. Prints its size and how long the first answer takes.
# Usage: tools/runtime_env.sh VENV [BUNDLE]
set -eu
venv=$1
bundle=${2:-}
root=$(cd "$(dirname "$0")/.." && pwd)

python3 -m venv "$venv"
pip="$venv/bin/python -m pip install -q --disable-pip-version-check -c $root/constraints.txt"

# Built from a copy, so that no folder `build` of an earlier version gets into the wheel.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$root/src" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$copy"
find "$copy" -name '*.egg-info' -prune -exec rm -rf {} +

$pip "$copy"
"$venv/bin/python" "$root/tools/first_answer.py" "$bundle"
$pip "$copy[cli]"
"$venv/bin/python" "$root/tools/first_answer.py" "$bundle"
