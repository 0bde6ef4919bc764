#!/bin/sh
# Makes a Chromium available for the browser tests where it can; says why not where it cannot.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests"
    { apt-get update -q && apt-get install -y -q chromium; } >/dev/null 2>&1 && exit 0
fi
echo "No Chromium and no right to install one: the browser tests will be skipped." >&2
exit 0
