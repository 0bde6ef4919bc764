#!/bin/sh
# Installs what only `make fuzz` needs into a folder: sh tools/fuzz_tools.sh PYTHON FOLDER
#
# atheris (Apache-2.0) has wheels for Linux and CPython 3.11 to 3.13; schemathesis is MIT. Where one
# cannot be installed the rest of `make fuzz` runs, and says which inputs were left out.
set -u
python=$1 folder=$2
mkdir -p "$folder"
"$python" -m pip install -q --disable-pip-version-check --upgrade --target "$folder" --no-deps \
    'atheris==3.0.0' || echo "atheris could not be installed: no coverage-guided inputs." >&2
# Without their dependencies, most of which are there: copies of those would hide the ones of the
# environment.
"$python" -m pip install -q --disable-pip-version-check --upgrade --target "$folder" --no-deps \
    'schemathesis==4.32.5' certifi charset-normalizer graphql-core harfile hypothesis-graphql \
    'jsonschema-rs<0.61' 'pyrate-limiter<5' requests tomli urllib3 ||
    echo "schemathesis could not be installed: no inputs by the service's description." >&2
exit 0
