#!/bin/sh
# Sets up, builds and runs every test. usage: test.sh [CTEST_OPTIONS...]
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh
scripts/setup.sh --ci
build build -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=ON
ctest --test-dir build --output-on-failure --parallel "$(nproc)" "$@"

# The unit tests once more, as in a program that follows a locale with a decimal comma.
if [ -d build/tests/locale/de_DE.UTF-8 ]; then
    LOCPATH=$PWD/build/tests/locale IGDEF_TEST_LOCALE=de_DE.UTF-8 \
        ctest --test-dir build --output-on-failure --parallel "$(nproc)" -R '^test_' "$@"
fi
