#!/bin/sh
# Makes the Debian packages, and looks at them as a user would: in a clean chroot of this Debian,
# lintian finds no error, the command and the library are installed with what they depend on, the
# demo's steps run from them, and nothing is left of them when they are removed. Then the commands
# of the container's recipe run there, without an engine. Needs root, mmdebstrap and dpkg-dev.
# usage: test_packages.sh [--packages DIR]     DIR: packages that are made already
# CCACHE_DIR as for test_debian.sh.
set -eu
cd "$(dirname "$0")/.."
. scripts/chroot.sh
made=
if [ "${1:-}" = --packages ]; then
    made=$2
    shift 2
fi
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
step()
{
    printf '\n== %s\n' "$*"
}

step 'packages'
if [ -z "$made" ]; then
    made=build/packages
    scripts/package.sh "$made"
fi
make_chroot "$suite"
mkdir "$root/packages"
cp "$made"/igdef_*.deb "$made"/libigdef-dev_*.deb "$root/packages"

step 'lintian'
in_chroot sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends lintian >/dev/null'
in_chroot sh -c 'lintian --allow-root --tag-display-limit 0 --fail-on error /packages/*.deb'

step 'the command'
in_chroot sh -c 'apt-get install -qq -y --no-install-recommends /packages/igdef_*.deb >/dev/null'
in_chroot igdef --version
in_chroot sh -c 'test -s /usr/share/man/man1/igdef.1.gz
    test -s /usr/share/bash-completion/completions/igdef
    ! dpkg -s libtorch-dev >/dev/null 2>&1' # the command alone needs no headers
in_chroot sh -c 'apt-get install -qq -y --no-install-recommends python3 dataset-fashion-mnist >/dev/null'
in_chroot sh -c 'python3 /usr/share/igdef/export_torchscript.py --help | head -n 1'

step "the demo's steps, with fewer images"
in_chroot scripts/demo.sh --installed --small /tmp/demo

step 'the library'
in_chroot sh -c 'apt-get install -qq -y --no-install-recommends \
    /packages/libigdef-dev_*.deb gcc g++ cmake make pkg-config >/dev/null'
# shellcheck disable=SC2016 # of the chroot's shell
in_chroot sh -c 'cc -std=c11 -o /tmp/by-hand tests/consumer/consumer.c $(pkg-config --cflags --libs igdef)
    /tmp/by-hand'
in_chroot sh -c 'cmake -S tests/consumer -B /tmp/consumer -DCONSUMER_LANGUAGES=C >/dev/null
    cmake --build /tmp/consumer >/dev/null && /tmp/consumer/consumer'

step 'removal'
in_chroot sh -c 'apt-get purge -qq -y igdef libigdef-dev >/dev/null
    find /usr /etc /var/lib -name "*igdef*" -not -path "/var/lib/dpkg/*" -not -path "/var/lib/apt/*" |
        grep . && exit 1 || echo "nothing is left"'

step 'the commands of the container'
commands=$(sed -n 's/^RUN //p' scripts/container/Dockerfile)
in_chroot sh -ec "$commands"
in_chroot igdef inspect /igdef/tests/data/fashion_resnet.pt --input 1,28,28
