#!/bin/sh
# What must hold on a CUDA device: 50 images of each bundled model have the flags that they have on
# the CPU, under every attack; a run repeats; and what attacks find in TF32 fools IEEE float32.
# usage: test_cuda.sh [BUILD-FOLDER]               exit code 77 where there is no CUDA device
#        DEVICE=cpu COUNT=8 test_cuda.sh [BUILD-FOLDER]     tries the script itself
set -eu
cd "$(dirname "$0")/.."
igdef=$PWD/${1:-build}/igdef
device=${DEVICE:-cuda}
count=${COUNT:-50}
if [ "$device" != cpu ] && ! "$igdef" --version | grep -q '^devices:.*cuda:'; then
    echo "skipped: no CUDA device"
    exit 77
fi
precision=tf32
[ "$device" != cpu ] || precision=ieee
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$igdef" --version

echo "== the same flags as on the CPU"
python3 scripts/parity_libtorch.py "$igdef" "$igdef" --device "$device" --count "$count" \
    --defended "$count" --threads "$(nproc)"

# usage: attacked NAME OPTIONS...
attacked()
{
    name=$1
    shift
    "$igdef" eval --model tests/data/fashion_resnet.pt --data /usr/share/datasets/fashion-mnist \
        --count "$count" --eps 0.1 --attack autoattack --device "$device" --quiet --no-checks \
        --set apgd-ce.steps=20,apgd-t.steps=20,apgd-t.targets=3,fab-t.steps=20,square.queries=500 \
        --output "$folder/$name.json" "$@" >/dev/null
}

echo "== a run repeats"
attacked first --seed 1
attacked second --seed 1
cmp "$folder/first.images.jsonl" "$folder/second.images.jsonl"

echo "== what is found at --precision $precision fools IEEE float32"
attacked short --seed 1 --precision "$precision" --save-adversarial "$folder/found.npy"
python3 - "$folder" <<'END'
import json
import sys

folder = sys.argv[1]
with open(f"{folder}/short.json") as f:
    short = json.load(f)
with open(f"{folder}/first.json") as f:
    first = json.load(f)
saved = short["checks"]["saved"]
print(f"precision {short['settings']['precision']}: worst case {short['worst_acc']:.4f}, "
      f"{first['worst_acc']:.4f} in IEEE float32 alone")
if saved["classified_correctly"] != 0 or saved["outside_ball"] != 0:
    sys.exit(f"of {saved['images']} saved images, {saved['classified_correctly']} are no finds")
if short["clean_acc"] != first["clean_acc"]:
    sys.exit("the clean accuracies differ")
END
echo "passed on $device"
