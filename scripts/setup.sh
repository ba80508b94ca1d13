#!/bin/sh
# Installs the Debian packages that igdef is built and tested with and that are missing.
# usage: setup.sh [--ci]      --ci: also those that only CI needs
set -eu
scripts=$(cd "$(dirname "$0")" && pwd)
lists=$scripts/packages.txt
if [ "${1:-}" = --ci ]; then
    lists="$lists $scripts/packages-ci.txt"
fi

# shellcheck disable=SC2086 # several files
packages=$(sed 's/#.*//' $lists)
if ! command -v dpkg-query >/dev/null; then
    # shellcheck disable=SC2086 # one a word
    echo "setup: not a Debian system; igdef needs what these packages hold:" $packages
    exit 0
fi
missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "setup: every package is installed"
    exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "setup: run as root or install sudo; missing:$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "setup: installing$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # one a word
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends $missing >/dev/null
