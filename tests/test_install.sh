#!/bin/sh
# An installation works: the command from its new place, and programs that find the
# library through CMake (in C alone, and in C and C++) and through pkg-config.
# usage: test_install.sh BUILD_FOLDER SOURCE_FOLDER VERSION
set -eu
build=$1 source=$2 version=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix

fail()
{
    echo "test_install: $*" >&2
    exit 1
}

expect() # TEXT COMMAND...
{
    text=$1
    shift
    output=$("$@" 2>&1) || true
    case $output in
    *"$text"*) ;;
    *) fail "$*: '$output' does not contain '$text'" ;;
    esac
}

cmake --install "$build" --prefix "$prefix" >/dev/null
# Moved, so that nothing found is the build's or where it was installed first.
mv "$prefix" "$folder/moved"
prefix=$folder/moved

expect "igdef $version" "$prefix/bin/igdef" --version
if ldd "$prefix/bin/igdef" | grep -q torch; then
    fail "igdef links libtorch"
fi
printf 'no model' >"$folder/bad.pt"
expect "igdef inspect: $folder/bad.pt: " \
    "$prefix/bin/igdef" inspect "$folder/bad.pt" --input 3,4,4
# A libtorch that lacks what igdef calls is refused by name.
plugin=$(find "$prefix" -name igdef-plugin.so)
mkdir "$folder/other"
printf 'int nothing;\n' | cc -shared -fPIC -x c -o \
    "$folder/other/$(ldd "$plugin" | sed -n 's/^\s*\(libtorch_cpu[^ ]*\).*/\1/p')" -
expect "igdef was built with libtorch " env LD_LIBRARY_PATH="$folder/other" \
    "$prefix/bin/igdef" inspect "$folder/bad.pt" --input 3,4,4
[ -s "$prefix/share/man/man1/igdef.1" ] || fail "no manual page"
bash -n "$prefix/share/bash-completion/completions/igdef" || fail "bad completion"
[ -s "$prefix/share/doc/igdef/LICENSE" ] || fail "no LICENSE"
targets=$(find "$prefix" -name igdefTargets.cmake)
if grep -n '/lib[a-zA-Z0-9_]*\.\(so\|a\)' "$targets"; then
    fail "igdefTargets.cmake names files of this machine"
fi
expect "usage: export_torchscript.py" \
    python3 "$prefix/share/igdef/export_torchscript.py" --help

for languages in C 'C;CXX'; do
    rm -rf "$folder/consumer"
    cmake -S "$source/tests/consumer" -B "$folder/consumer" \
        -DCMAKE_PREFIX_PATH="$prefix" -DCONSUMER_LANGUAGES="$languages" >/dev/null
    cmake --build "$folder/consumer" >/dev/null
    expect "igdef $version, 2 images" "$folder/consumer/consumer"
done

pc=$(find "$prefix" -name igdef.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # several options
cc -std=c11 -o "$folder/by-hand" "$source/tests/consumer/consumer.c" \
    $(pkg-config --cflags --libs igdef)
expect "igdef $version, 2 images" "$folder/by-hand"
expect "/nonexistent.pt: " "$folder/by-hand"
echo "installed, moved, linked by CMake and pkg-config"
