#!/bin/sh
# Asks for known faults of every package that is installed in VENV; exit code 1 if there are some.
# Needs the network: the database of faults is asked for each package and version.
# Usage: tools/audit.sh VENV PIP_AUDIT
set -eu
venv=$1
audit=$2

packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
# A mirror may answer in its place that knows no faults: everything would look well then. So it is
# asked first for a version that has some.
asked=$(mktemp)
trap 'rm -f "$asked"' EXIT
echo "pip==19.0" >"$asked"
if ! "$audit" -r "$asked" --no-deps --disable-pip --progress-spinner off -f json 2>/dev/null | grep -q '"fix_versions"'; then
    echo "make audit needs the database of faults itself: nothing was asked, so nothing is known. Run it where it is reached." >&2
    exit 2
fi
"$audit" --path "$packages" --skip-editable --progress-spinner off
