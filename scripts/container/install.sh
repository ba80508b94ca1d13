#!/bin/sh
# Builds igdef in an image of Debian or Ubuntu and installs it in /usr/local: with the PyTorch that
# python3 imports, or else with the system's libtorch. What the recipe beside this file runs.
set -eu
cd "$(dirname "$0")/../.."
torch=
without='libcmocka-dev|dataset-fashion-mnist' # of tests and the demo
if python3 -c 'import torch' 2>/dev/null; then
    torch=python
    without="$without|libtorch-dev|cmake" # the image's may be too old
    PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --quiet 'cmake>=3.25'
fi
packages=$(sed 's/#.*//' scripts/packages.txt | tr -s ' \n' '\n' | grep -vxE "$without|")
apt-get update -qq
# shellcheck disable=SC2086 # one a word
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages >/dev/null

build=$(mktemp -d)
cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DIGDEF_TORCH="$torch" \
    -DIGDEF_TESTS=OFF >/dev/null
cmake --build "$build" >/dev/null
cmake --install "$build" --prefix /usr/local >/dev/null
rm -rf "$build" /var/lib/apt/lists/*
igdef --version
