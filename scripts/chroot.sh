# A clean Debian in a folder. Sourced from the root of the source tree; needs root and mmdebstrap.
# shellcheck shell=sh

# Makes $root, a chroot that holds nothing but the base system, with the host's mirror and what its
# apt needs to reach it; gone when the script ends. CCACHE_DIR, where it is set, is in it, too.
# usage: make_chroot SUITE
make_chroot()
{
    root=$(mktemp -d "${TMPDIR:-/tmp}/igdef-$1.XXXXXX")
    trap leave_chroot EXIT
    trap 'exit 130' INT TERM
    mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v security | head -n 1)
    # An index that has expired, as that of a mirror that is kept back, is signed all the same. What
    # is installed need not outlive a power cut.
    mmdebstrap --quiet --variant=apt --include=ca-certificates \
        --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
        "$1" "$root" "${mirror:-http://deb.debian.org/debian}"
    for file in /etc/resolv.conf /etc/apt/apt.conf.d/*proxy*; do
        if [ -e "$file" ]; then
            cp -L "$file" "$root$file"
        fi
    done
    # An installed Debian knows localhost; the base packages alone do not.
    [ -e "$root/etc/hosts" ] || echo '127.0.0.1 localhost' >"$root/etc/hosts"
    mount -t proc proc "$root/proc"
    mount --rbind --make-rslave /dev "$root/dev" 2>/dev/null || mount --bind /dev "$root/dev"
    cache=
    if [ -n "${CCACHE_DIR:-}" ]; then
        cache=CCACHE_DIR=/ccache
        mkdir -p "$CCACHE_DIR" "$root/ccache"
        mount --bind "$CCACHE_DIR" "$root/ccache"
    fi
    # Beside the source, a copy of what git tracks.
    mkdir "$root/igdef"
    git ls-files -z | xargs -0 tar -c | tar -x -C "$root/igdef"
}

leave_chroot()
{
    for folder in proc dev ccache; do
        if mountpoint -q "$root/$folder"; then
            umount --recursive --lazy "$root/$folder"
        fi
    done
    rm -rf --one-file-system "$root"
}

# Runs a command in the chroot's copy of the source. usage: in_chroot COMMAND...
in_chroot()
{
    env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
        DEBIAN_FRONTEND=noninteractive ${cache:+"$cache"} \
        chroot "$root" sh -c 'cd /igdef && exec "$@"' sh "$@"
}
