#!/bin/sh
# Builds igdef in an image of Debian or Ubuntu and installs it in /usr/local: with the PyTorch that
# python3 imports, or else with the system's libtorch. What the recipe beside this file runs.
set -eu
cd "$(dirname "$0")/../.."
. scripts/common.sh
if python3 -c 'import torch' 2>/dev/null; then
    export IGDEF_TORCH=python
    # The image's own may be too old.
    PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --quiet 'cmake>=3.25'
fi
scripts/setup.sh
mkdir -p build-container
build build-container -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=OFF >build-container/build.log 2>&1 || {
    cat build-container/build.log
    exit 1
}
cmake --install build-container --prefix /usr/local >/dev/null
rm -rf build-container /var/lib/apt/lists/*
igdef --version
