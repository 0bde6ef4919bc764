#!/bin/sh
# Prints what raresign weighs with each extra that does without torch: the table of docs/deploy.md.
# Each is installed over the one before, in a virtual environment that goes away afterwards.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
venv=$place/venv

python3 -m venv "$venv"
mkdir "$place/copy" # so that no folder `build` of an earlier version gets into the wheel
cp -r "$root/src" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$place/copy"
find "$place/copy" -name '*.egg-info' -prune -exec rm -rf {} +
for extra in runtime cli serve studio; do # each holds what the one before holds
    "$venv/bin/python" -m pip install -q --disable-pip-version-check \
        -c "$root/constraints.txt" "$place/copy[$extra]"
    printf 'raresign[%s]: ' "$extra"
    (cd "$root/tools" && "$venv/bin/python" -c \
        'from first_answer import installed_mb; print(round(sum(installed_mb().values())), "MB")')
done
