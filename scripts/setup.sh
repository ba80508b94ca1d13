#!/bin/sh
# Installs the Debian packages that igdef is built and tested with and that are missing. On Ubuntu
# the same names are asked for; those that a release does not have are named. Beside the libtorch
# that IGDEF_TORCH names, the system's is not asked for.
# usage: setup.sh [--ci]      --ci: also what only CI and optional tests need, as far as there is some
set -eu
scripts=$(cd "$(dirname "$0")" && pwd)

# usage: listed FILE...    the packages in these lists, one a line
listed()
{
    sed 's/#.*//; s/ *$//; /^$/d' "$@"
}
packages=$(listed "$scripts/packages.txt")
if [ -n "${IGDEF_TORCH:-}" ]; then
    packages=$(echo "$packages" | grep -vx libtorch-dev)
fi
optional=
if [ "${1:-}" = --ci ]; then
    optional=$(listed "$scripts/packages-ci.txt")
fi
if ! command -v dpkg-query >/dev/null; then
    # shellcheck disable=SC2086 # one a word
    echo "setup: not a Debian system; igdef needs what these packages hold:" $packages $optional
    exit 0
fi
missing=
for package in $packages $optional; do
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
$as_root apt-get update -qq
known='' needed='' passed=''
for package in $missing; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        known="$known $package"
    elif echo "$packages" | grep -qx "$package"; then
        needed="$needed $package"
    else
        passed="$passed $package"
    fi
done
system=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)
if [ -n "$passed" ]; then
    echo "setup: $system has no package, so that what needs it is skipped:$passed" >&2
fi
if [ -n "$needed" ]; then
    echo "setup: $system has no package:$needed" >&2
    case "$needed " in *' libtorch-dev '*)
        echo "setup: without libtorch-dev, build beside another: IGDEF_TORCH=python or a folder" >&2 ;;
    esac
    exit 1
fi
if [ -n "$known" ]; then
    echo "setup: installing$known"
    # shellcheck disable=SC2086 # one a word
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends $known >/dev/null
fi
