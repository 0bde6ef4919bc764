#!/bin/sh
# Fetches what the programs in examples/ are built with, for their tests: the C++ headers of
# onnxruntime and onnxruntime-web. What cannot be had is said, and its test is skipped.
# Usage: tools/example_libraries.sh FOLDER
set -u
folder=$1
mkdir -p "$folder"

headers() {
    for place in /usr/include/onnxruntime /usr/local/include/onnxruntime; do
        [ -f "$place/onnxruntime_cxx_api.h" ] && { cp -r "$place" "$folder/include"; return 0; }
    done
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || return 1
    apt=$(mktemp -d)
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    # Debian 12 has no such package, and headers need no other package: Debian 13's fit any.
    # They come from where this machine has its own packages from.
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    from=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m 1 '/debian/$')
    [ -n "$from" ] || { rm -rf "$apt"; return 1; }
    echo "deb [signed-by=$keys] $from trixie main" >"$apt/sources"
    own="-q -o Dir::Etc::SourceList=$apt/sources -o Dir::Etc::SourceParts=- -o APT::Sandbox::User=root
        -o Dir::State::Lists=$apt/lists -o Dir::Cache=$apt/cache"
    (cd "$apt" && apt-get $own update && apt-get $own download libonnxruntime-dev &&
        dpkg-deb -x libonnxruntime-dev_*.deb unpacked) >/dev/null 2>&1 &&
        cp -r "$apt"/unpacked/*/include/onnxruntime "$folder/include"
    done=$?
    rm -rf "$apt"
    return $done
}

web() {
    command -v npm >/dev/null 2>&1 || return 1
    (cd "$folder" && npm pack --silent onnxruntime-web@1.30.0 &&
        tar xzf onnxruntime-web-*.tgz package/dist/ort.wasm.min.mjs \
            package/dist/ort-wasm-simd-threaded.mjs package/dist/ort-wasm-simd-threaded.wasm &&
        mv package/dist ort && rm -rf package onnxruntime-web-*.tgz) >/dev/null 2>&1
}

[ -d "$folder/include" ] || headers ||
    echo "No C++ headers of onnxruntime: the test of examples/cpp will be skipped." >&2
[ -d "$folder/ort" ] || web ||
    echo "No onnxruntime-web: the test of examples/js will be skipped." >&2
exit 0
