#!/bin/sh
# Sets up, builds and runs every test. usage: test.sh [CTEST_OPTIONS...]
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh
scripts/setup.sh --ci
build build -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=ON
ctest --test-dir build --output-on-failure --parallel "$(nproc)" "$@"
