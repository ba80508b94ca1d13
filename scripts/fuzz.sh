#!/bin/sh
# Runs every fuzzer for a while, starting from the tests' seeds and from what earlier runs
# kept in build/fuzz/corpus. An input that fails is left in build/fuzz.
# usage: fuzz.sh [SECONDS_EACH]
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh
seconds=${1:-60}
scripts/setup.sh --ci
build build -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=ON
cmake -G Ninja -S . -B build/fuzz -DIGDEF_FUZZ=ON \
    -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ >/dev/null
cmake --build build/fuzz --target fuzzers
build/tests/test_fuzz_corpus build/fuzz/seeds
for seeds in build/fuzz/seeds/*; do
    name=${seeds##*/}
    echo "== $name"
    mkdir -p "build/fuzz/corpus/$name"
    "build/fuzz/tests/fuzz_$name" -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=4096 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" "$seeds"
done
