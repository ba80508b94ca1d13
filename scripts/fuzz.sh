#!/bin/bash
# Runs every fuzzer for a while, one on each core, starting from the tests' seeds and from what
# earlier runs kept in build/fuzz/corpus. An input that fails is left in build/fuzz, beside the
# fuzzer's log. usage: fuzz.sh [SECONDS_EACH]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
export seconds=${1:-60}
scripts/setup.sh --ci
build build -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=ON
configure build/fuzz -DIGDEF_FUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
cmake --build build/fuzz --parallel "$(nproc)" --target fuzzers
rm -rf build/fuzz/seeds
build/tests/test_fuzz_corpus build/fuzz/seeds

# usage: fuzz NAME
fuzz()
{
    local log=build/fuzz/$1.log
    mkdir -p "build/fuzz/corpus/$1"
    "build/fuzz/tests/fuzz_$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/$1-" \
        "build/fuzz/corpus/$1" "build/fuzz/seeds/$1" >"$log" 2>&1 || {
        cat "$log"
        echo "fuzz_$1 failed"
        return 1
    }
    awk -v name="$1" '/number_of_executed_units/ { print name ": " $2 " inputs" }' "$log"
}
export -f fuzz
# shellcheck disable=SC2016 # $1 is of the shell that runs it
find build/fuzz/seeds -mindepth 1 -maxdepth 1 -printf '%f\n' | sort |
    xargs -n 1 -P "$(nproc)" bash -c 'fuzz "$1"' fuzz
