#!/bin/sh
# Makes what a release consists of: the source archive, the Debian packages of this system, the text
# of the changes and the checksums.
# usage: release.sh [--source-only] VERSION [FOLDER]     FOLDER: default build/release
# Refused are a tree with changes that are not committed, a VERSION that is not CMakeLists.txt's, and
# one that README's section Changes says nothing of.
set -eu
cd "$(dirname "$0")/.."
packages=yes
if [ "${1:-}" = --source-only ]; then
    packages=
    shift
fi
version=${1:-}
out=${2:-build/release}
[ -n "$version" ] || { sed -n '4s/^# //p' "$0" >&2; exit 2; }
refuse()
{
    echo "release: $*" >&2
    exit 1
}

[ -z "$(git status --porcelain)" ] || refuse "the tree has changes that are not committed"
of_cmake=$(sed -n 's/^project(igdef VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
[ "$version" = "$of_cmake" ] || refuse "CMakeLists.txt says version $of_cmake, not $version"
changes=$(awk -v heading="### $version" '
    /^## Changes/ { inside = 1; next }
    inside && /^##/ { found = $0 == heading || index($0, heading " ") == 1; next }
    found' README.md)
[ -n "$changes" ] || refuse "README's section Changes has no '### $version'"

mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/*
# gzip without a name or a time: the same commit gives the same bytes.
git archive --prefix="igdef-$version/" HEAD | gzip -9n >"$out/igdef-$version.tar.gz"
printf '%s\n' "$changes" >"$out/CHANGES-$version.md"
[ -z "$packages" ] || scripts/package.sh "$out" >/dev/null
(cd "$out" && sha256sum -- * >../SHA256SUMS.part && mv ../SHA256SUMS.part SHA256SUMS)
ls "$out"
