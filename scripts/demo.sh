#!/bin/sh
# From nothing to a defended and attacked model, on Fashion-MNIST: installs what is
# missing, builds igdef, ranks the neurons of a small adversarially trained ResNet, chooses
# how many to keep, and evaluates base and defended model. About three minutes once built.
# usage: demo.sh [FOLDER]      FOLDER for the results, default build/demo
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh

model=tests/data/fashion_resnet.pt
data=/usr/share/datasets/fashion-mnist
out=${1:-build/demo}
eps=0.1          # what the model was trained against
sigma=0.05       # eps/2
ranked=10000     # training images the neurons are ranked on
chosen=2000      # other training images that keep is chosen on
budget=0.01      # clean accuracy that the mask may cost there
attacked=200     # test images
attacks=clean,pgd,apgd-ce

scripts/setup.sh
build build -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=OFF >/dev/null
mkdir -p "$out"
PATH=$PWD/build:$PATH
started=$(date +%s)

# The number of a key of a JSON file that igdef wrote.
number() # FILE KEY
{
    awk -v key="\"$2\":" '$1 == key { sub(/,$/, "", $2); print $2; exit }' "$1"
}
# Robust accuracy under an attack.
accuracy() # FILE ATTACK
{
    awk -v name="\"$2\"" '{ sub(/,$/, "", $2) }
        $1 == "\"name\":" { here = $2 == name }
        $1 == "\"robust_acc\":" && here { print $2; exit }' "$1"
}
points() # FRACTION
{
    awk -v x="$1" 'BEGIN { printf "%.1f", 100 * x }'
}

echo "igdef: $(igdef --version | tr '\n' ' ')"
echo
echo "1. What the model is"
igdef inspect "$model" --input 1,28,28 | sed -n '1,/^$/p'

echo "2. Rank the neurons of its penultimate layer on $ranked training images (LO-IR)"
igdef rank --model "$model" --data "$data" --count "$ranked" --output "$out/loir.safetensors"

echo
echo "3. Choose keep: the fewest neurons that cost at most 1 point of clean accuracy,"
echo "   on $chosen training images that the ranking has not seen"
keep=96
for k in 5 10 20 30 40 50 60 70 80 96; do
    igdef defend --model "$model" --data "$data" --split train --first "$ranked" \
        --count "$chosen" --ranking "$out/loir.safetensors" --keep "$k" --sigma "$sigma" \
        --output "$out/keep.csv" --json >"$out/keep.json"
    base=$(number "$out/keep.json" base_clean_acc)
    clean=$(number "$out/keep.json" clean_acc)
    echo "   keep $k: $(points "$clean") % (base $(points "$base") %)"
    if awk -v b="$base" -v c="$clean" -v d="$budget" 'BEGIN { exit !(c >= b - d) }'; then
        keep=$k
        break
    fi
done

echo
echo "4. Attack both on $attacked test images: Linf, eps $eps, sigma $sigma, keep $keep, seed 0"
igdef eval --model "$model" --data "$data" --count "$attacked" --norm Linf --eps "$eps" \
    --attack "$attacks" --report per-attack --restart --output "$out/base.json" >"$out/base.txt"
igdef eval --model "$model" --data "$data" --count "$attacked" --norm Linf --eps "$eps" \
    --attack "$attacks" --report per-attack --restart --ranking "$out/loir.safetensors" \
    --keep "$keep" --sigma "$sigma" --output "$out/defended.json" >"$out/defended.txt"

echo
printf '%-20s %8s %8s %8s %8s\n' 'accuracy in %' clean pgd apgd-ce worst
for who in base defended; do
    printf '%-20s %8s %8s %8s %8s\n' "$who" \
        "$(points "$(number "$out/$who.json" clean_acc)")" \
        "$(points "$(accuracy "$out/$who.json" pgd)")" \
        "$(points "$(accuracy "$out/$who.json" apgd-ce)")" \
        "$(points "$(number "$out/$who.json" worst_acc)")"
done
echo
awk -v b="$(number "$out/base.json" worst_acc)" -v n="$attacked" \
    -v d="$(number "$out/defended.json" worst_acc)" 'BEGIN {
        # Standard error of the difference of two such fractions.
        e = sqrt((b * (1 - b) + d * (1 - d)) / n)
        printf "The defense changes worst-case accuracy by %+.1f points (standard error %.1f).\n",
            100 * (d - b), 100 * e
        if (d - b <= 0)
            print "On this model and against these attacks, which know the defense, it does not help."
        else if (d - b < 2 * e)
            print "That is within what chance alone does to so few images."
        else
            print "Attacks that know the defense were used; a stronger one may leave less of it."
    }'
sed -n '/^Warnings/,/^$/p' "$out/defended.txt"
echo "Results: $out/base.json, $out/defended.json ($(($(date +%s) - started)) s)"
