#!/bin/sh
# Official AutoAttack against igdef on a CUDA device, both in this run: ResNet-18 and WRN-28-10 on
# images of CIFAR's size, ResNet-50 on ImageNet's. Prints what bench_gpu.py says.
# usage: bench_gpu.sh [BUILD-FOLDER] [ARGUMENTS OF bench_gpu.py]     exit code 77 without a device
# IGDEF_BENCH_AUTOATTACK names a copy of fra31/auto-attack; without it igdef alone is measured.
# DEVICE=cpu tries the script itself, with a few images and steps: its figures say nothing.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
[ $# -eq 0 ] || shift
device=${DEVICE:-cuda}
if [ "$device" != cpu ] && ! "$build/igdef" --version | grep -q '^devices:.*cuda:'; then
    echo "skipped: no CUDA device"
    exit 77
fi
export OMP_WAIT_POLICY=passive
python3 scripts/bench_gpu.py --igdef "$build/igdef" --device "$device" \
    ${IGDEF_BENCH_AUTOATTACK:+--autoattack "$IGDEF_BENCH_AUTOATTACK"} "$@"
