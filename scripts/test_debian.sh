#!/bin/sh
# Follows the README's two commands on a fresh Debian, the demo with a tenth of its images: a clean
# chroot that holds nothing but the base system, and a copy of what git tracks. Needs root and
# mmdebstrap.
# usage: test_debian.sh 12|13|sid [COMMAND...]     COMMAND: instead, run in the copy's folder
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
[ $# -gt 0 ] || set -- sh -c 'scripts/demo.sh --small && scripts/test.sh'
. scripts/chroot.sh
make_chroot "$suite"
in_chroot "$@"
