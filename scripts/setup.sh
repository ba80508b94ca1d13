#!/bin/sh
# Installs the Debian packages that igdef is built and tested with and that are missing. On Ubuntu
# the same names are asked for; those that a release does not have are named.
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
unknown=
for package in $missing; do
    apt-cache show "$package" >/dev/null 2>&1 || unknown="$unknown $package"
done
if [ -n "$unknown" ]; then
    echo "setup: $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release) has no package:$unknown" >&2
    case "$unknown " in *' libtorch-dev '*)
        echo "setup: without libtorch-dev, build beside another: IGDEF_TORCH=python or a folder" >&2 ;;
    esac
    exit 1
fi
# shellcheck disable=SC2086 # one a word
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends $missing >/dev/null
