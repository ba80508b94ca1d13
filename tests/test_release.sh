#!/bin/sh
# scripts/release.sh refuses what is no release, and makes an archive that holds the commit.
# usage: test_release.sh SOURCE_FOLDER
set -eu
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git -C "$source" rev-parse HEAD >/dev/null 2>&1 || { echo "skipped: not a clone"; exit 77; }
git clone -q --no-hardlinks "$source" "$folder/clone"
cd "$folder/clone"
git config user.name test
git config user.email test@example.org
version=$(sed -n 's/^project(igdef VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)

fail()
{
    echo "test_release: $*" >&2
    exit 1
}
refused() # TEXT ARGUMENTS...
{
    text=$1
    shift
    output=$(scripts/release.sh "$@" 2>&1) && fail "$*: not refused"
    case $output in
    *"$text"*) ;;
    *) fail "$*: '$output' does not contain '$text'" ;;
    esac
    [ ! -e build/release ] || fail "$*: left build/release"
}

refused 'usage: release.sh'
refused "says version $version, not 9.9.9" --source-only 9.9.9
sed -i "/^## Changes/,\$s/^### $version.*/### 0.0.0/" README.md
git commit -qam 'no section'
refused "has no '### $version'" --source-only "$version"
sed -i "s/^### 0.0.0/### $version (2026-11-26)/" README.md
refused 'changes that are not committed' --source-only "$version"
git commit -qam 'a section'
touch stray
refused 'changes that are not committed' --source-only "$version"
rm stray

scripts/release.sh --source-only "$version" "$folder/one" >/dev/null
scripts/release.sh --source-only "$version" "$folder/two" >/dev/null
cmp "$folder/one/igdef-$version.tar.gz" "$folder/two/igdef-$version.tar.gz"
(cd "$folder/one" && sha256sum -c --quiet SHA256SUMS && [ "$(wc -l <SHA256SUMS)" -eq 2 ])
tar -xzf "$folder/one/igdef-$version.tar.gz" -C "$folder"
git ls-files | while read -r file; do
    [ -e "$folder/igdef-$version/$file" ] || [ -L "$folder/igdef-$version/$file" ] ||
        fail "the archive lacks $file"
done
grep -q '^Added' "$folder/one/CHANGES-$version.md" || fail 'the changes lack what was added'
! grep -q '^##' "$folder/one/CHANGES-$version.md" || fail 'the changes hold another section'
echo "refused what is none, archived $(git ls-files | wc -l) files"
