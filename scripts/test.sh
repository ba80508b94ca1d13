#!/bin/sh
# Sets up, builds and runs every test; --quick: those that take less than two minutes together.
# usage: test.sh [--quick] [CTEST_OPTIONS...]
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh
quick=
if [ "${1:-}" = --quick ]; then
    quick=yes
    shift
fi
scripts/setup.sh --ci
build build -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=ON
if [ -n "$quick" ]; then
    exec ctest --test-dir build --output-on-failure --parallel "$(nproc)" -LE long "$@"
fi
ctest --test-dir build --output-on-failure --parallel "$(nproc)" "$@"

# The unit tests once more, as in a program that follows a locale with a decimal comma.
if [ -d build/tests/locale/de_DE.UTF-8 ]; then
    LOCPATH=$PWD/build/tests/locale IGDEF_TEST_LOCALE=de_DE.UTF-8 \
        ctest --test-dir build --output-on-failure --parallel "$(nproc)" -R '^test_' -LE long "$@"
fi
