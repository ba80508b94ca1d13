#!/usr/bin/env bash
# Shows the speed that the README promises, as ratios measured side by side in this run.
#
# usage: scripts/bench.sh [BUILD-FOLDER]
# PyTorch's side needs python3-torch, or IGDEF_BENCH_PYTHON names a Python that has the PyTorch which
# BUILD-FOLDER is configured for; without it those lines are left out. IGDEF_BENCH_CIFAR may name a
# folder with a CIFAR ResNet (rn18w16.pt) and CIFAR-10 in the binary format, IGDEF_BENCH_AUTOATTACK
# and IGDEF_BENCH_RAYS copies of the official attacks.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build}
fashion=/usr/share/datasets/fashion-mnist
cifar=${IGDEF_BENCH_CIFAR:-}
python=${IGDEF_BENCH_PYTHON:-/usr/bin/python3}
export OMP_WAIT_POLICY=passive

cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
ninja -C "$build" igdef igdef_cli igdef_plugin igdef_shared bench bench_callbacks bench_cdir \
    bench_similarity simulate_parts >/dev/null
bench=$build/tests/bench

# The least of three alternating runs of each side.
pgd() { # MODEL DATA STEPS LIMIT
    $python -c 'import torch' 2>/dev/null || return 0
    local ours=() theirs=()
    for _ in 1 2 3; do
        ours+=("$("$bench" "$1" "$2" - 1 "$3")")
        theirs+=("$($python scripts/bench_pgd.py "$1" "$3")")
    done
    awk -v a="${ours[*]}" -v b="${theirs[*]}" -v limit="$4" 'BEGIN {
        n = split(a, x, " "); split(b, y, " ")
        for (i = 1; i <= n; i++) {
            if (i == 1 || x[i] < ours) ours = x[i]
            if (i == 1 || y[i] < theirs) theirs = y[i]
        }
        printf "PGD in PyTorch eager / PGD in igdef             %7.2f  (at least %s)\n", \
            theirs / ours, limit
    }'
}

# Predictions of one image beside PyTorch's own.
single() { # MODEL SHAPE
    $python -c 'import torch' 2>/dev/null || return 0
    $python scripts/bench_single.py "$build/libigdef.so" "$1" "$2" 50
}

echo "demo model, Fashion-MNIST"
"$bench" tests/data/fashion_resnet.pt "$fashion" layer2 50
pgd tests/data/fashion_resnet.pt "$fashion" 10 1.5
single tests/data/fashion_resnet.pt 1,28,28
"$build/tests/bench_cdir" tests/data/fashion_resnet.pt "$fashion" tests/data/fashion_clip.pt \
    tests/data/fashion_bpe.txt tests/data/fashion_concepts.txt 10000
if [ -n "$cifar" ]; then
    echo "ResNet-18 of width 16, CIFAR-10"
    "$bench" "$cifar/rn18w16.pt" "$cifar" layer3 50
    pgd "$cifar/rn18w16.pt" "$cifar" 5 0.95
    single "$cifar/rn18w16.pt" 3,32,32
fi
echo "a network of the program, 10 million multiplications an image"
"$build/tests/bench_callbacks"
if $python -c 'import torch' 2>/dev/null; then
    echo "similarity of CD-IR"
    $python scripts/bench_similarity.py "$build/tests/bench_similarity"
fi
echo "a run in four parts, and a million images in a thousand"
scripts/bench_parts.sh "$build"
echo "whole evaluations, against the official code where it is named"
scripts/bench_attacks.sh "$build"
