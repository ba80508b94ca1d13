#!/bin/sh
# Kills runs, lets their calls fail and changes their files, many times, and prints what
# came of it: wrong numbers, crashes and files left behind must be none.
# usage: torture.sh [KILLS FAULTS MUTATIONS [SEED]]
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh
scripts/setup.sh --ci
build build -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=ON
# In memory where there is room for files: what is flushed to a disk takes its time.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
exec build/tests/torture "${1:-1000}" "${2:-10000}" "${3:-50000}" ${4:+"$4"}
