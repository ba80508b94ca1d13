#!/bin/sh
# Every public header alone compiles as pedantic C11 and as C++17, with gcc and clang.
# usage: test_headers.sh INCLUDE_FOLDER
set -eu
include=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
warnings='-pedantic-errors -Wall -Wextra -Wshadow -Wconversion -Werror'
checked=0

for header in "$include"/igdef.h "$include"/igdef/*.h; do
    # Twice: the guard works.
    printf '#include "%s"\n#include "%s"\nint used;\n' "${header#"$include"/}" "${header#"$include"/}" \
        >"$folder/alone.c"
    cp "$folder/alone.c" "$folder/alone.cpp"
    for cc in gcc clang; do
        command -v "$cc" >/dev/null || continue
        # shellcheck disable=SC2086 # several options
        "$cc" -std=c11 $warnings -Wstrict-prototypes -I"$include" -fsyntax-only \
            "$folder/alone.c"
        # shellcheck disable=SC2086
        "$cc" -x c++ -std=c++17 $warnings -I"$include" -fsyntax-only "$folder/alone.cpp"
        checked=$((checked + 2))
    done
done
echo "$checked compilations"
[ "$checked" -gt 0 ]
