#!/bin/sh
# Follows the README's two commands on a fresh Debian: a clean chroot that holds nothing but the base
# system, and a copy of what git tracks. Needs root and mmdebstrap.
# usage: test_debian.sh 12|13|sid [COMMAND...]     COMMAND: default scripts/test.sh
# CCACHE_DIR, where it is set, names a folder in which compilations are kept for the next time.
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in
12) suite=bookworm ;;
13) suite=trixie ;;
sid) suite=sid ;;
*)
    echo "usage: test_debian.sh 12|13|sid [COMMAND...]" >&2
    exit 2
    ;;
esac
shift
[ $# -gt 0 ] || set -- scripts/test.sh
root=$(mktemp -d "${TMPDIR:-/tmp}/igdef-$suite.XXXXXX")
finish()
{
    for folder in proc dev ccache; do
        if mountpoint -q "$root/$folder"; then
            umount --recursive --lazy "$root/$folder"
        fi
    done
    rm -rf --one-file-system "$root"
}
trap finish EXIT
trap 'exit 130' INT TERM

# The host's mirror and what its apt needs to reach it.
mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v security | head -n 1)
mmdebstrap --quiet --variant=apt --include=ca-certificates "$suite" "$root" \
    "${mirror:-http://deb.debian.org/debian}"
for file in /etc/resolv.conf /etc/apt/apt.conf.d/*proxy*; do
    if [ -e "$file" ]; then
        cp -L "$file" "$root$file"
    fi
done
mount -t proc proc "$root/proc"
mount --rbind --make-rslave /dev "$root/dev" 2>/dev/null || mount --bind /dev "$root/dev"
cache=
if [ -n "${CCACHE_DIR:-}" ]; then
    cache=CCACHE_DIR=/ccache
    mkdir -p "$CCACHE_DIR" "$root/ccache"
    mount --bind "$CCACHE_DIR" "$root/ccache"
fi
mkdir "$root/igdef"
git ls-files -z | xargs -0 tar -c | tar -x -C "$root/igdef"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
    ${cache:+"$cache"} chroot "$root" sh -c 'cd /igdef && exec "$@"' sh "$@"
