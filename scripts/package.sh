#!/bin/sh
# Makes the Debian packages igdef and libigdef-dev for the system that this runs on.
# usage: package.sh [FOLDER [CMAKE_OPTIONS...]]     FOLDER for the packages, default build/packages
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh
out=${1:-build/packages}
[ $# -eq 0 ] || shift
case $out in /*) ;; *) out=$PWD/$out ;; esac
mkdir -p build-package
build build-package -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DIGDEF_TESTS=OFF "$@" \
    >build-package/build.log || { cat build-package/build.log; exit 1; }
mkdir -p "$out"
rm -f "$out"/igdef_*.deb "$out"/libigdef-dev_*.deb
(cd build-package && cpack -G DEB -B "$out") >build-package/cpack.log ||
    { cat build-package/cpack.log; exit 1; }
rm -rf "$out/_CPack_Packages"
ls "$out"/*.deb
