#!/bin/sh
# Programs that bring a network of their own: written by hand, and on another engine. That
# one is skipped, and said to be, where the engine is not installed.
# usage: test_consumer.sh SOURCE_FOLDER BUILD_FOLDER
set -eu
source=$1 build=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

compile() # NAME LIBRARIES...
{
    name=$1
    shift
    cc -std=c11 -Wall -Wextra -Werror -I"$source/include" "$source/tests/consumer/$name.c" \
        -L"$build" -ligdef -Wl,-rpath,"$build" "$@" -o "$folder/$name"
}

expect() # NAME PATTERN
{
    "$folder/$1" >"$folder/output"
    grep -qE "$2" "$folder/output" ||
        { echo "test_consumer: $1: '$(cat "$folder/output")' is not '$2'" >&2; exit 1; }
    cat "$folder/output"
}

compile hand_written
expect hand_written '^hand-written: [1-9][0-9]* of 24 fooled, defended [0-9]+$'
if [ -e /usr/include/xnnpack.h ]; then
    # From 2023 on the number of rows is told apart from where they are.
    reshapes=
    if grep -q xnn_reshape_fully_connected_nc_f32 /usr/include/xnnpack.h; then
        reshapes=-DXNNPACK_RESHAPES
    fi
    # shellcheck disable=SC2086 # nothing or one word
    compile xnnpack $reshapes -lXNNPACK -lpthreadpool -lm
    expect xnnpack '^XNNPACK: [1-9][0-9]* of 16 fooled$'
    expect xnnpack 'apgd-ce.*gradient'
else
    echo "skipped: no libxnnpack-dev"
fi
