#!/bin/sh
# Asks for known faults of every package that is installed in VENV; exit code 1 if there are some.
# Needs the network: the faults are kept at pypi.org, which is asked for each package and version.
# Usage: tools/audit.sh VENV PIP_AUDIT
set -eu
venv=$1
audit=$2

packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
if ! "$venv/bin/python" - <<'END'
import json, sys, urllib.request

# A mirror may answer in its place that knows no faults: everything would look well then.
try:
    with urllib.request.urlopen("https://pypi.org/pypi/pip/24.0/json", timeout=10) as answer:
        json.load(answer)["vulnerabilities"]
except (OSError, ValueError, LookupError, TypeError) as error:
    sys.exit(f"pypi.org tells of no faults here: {type(error).__name__}: {error}")
END
then
    echo "make audit needs pypi.org itself: nothing was asked, so nothing is known. Run it where it is reached." >&2
    exit 2
fi
"$audit" --path "$packages" --skip-editable --progress-spinner off
