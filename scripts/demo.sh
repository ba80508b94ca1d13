#!/bin/sh
# From nothing to a defended and attacked model, on Fashion-MNIST: installs what is
# missing, builds igdef, ranks the neurons of a small adversarially trained ResNet, chooses
# how many to keep, and evaluates base and defended model. Under three minutes once built,
# and another three for the worst case over nine attacks, on as many images as fit.
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
chosen=10000     # other training images that keep is chosen on
budget=0.01      # clean accuracy that the mask may cost there
attacked=300     # test images
attacks=clean,pgd,apgd-ce
patience=180     # seconds for the worst case
part=8           # images of it at a time

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

echo "2. Rank the neurons of its penultimate layer on $ranked training images"
rank()
{
    igdef rank --model "$model" --data "$data" --count "$ranked" --output "$out/$1.safetensors" \
        --method "$@"
}
rank loir
echo
rank random --compare "$out/loir.safetensors" | sed -n '1p;$p'
rank cdir --clip tests/data/fashion_clip.pt --vocab tests/data/fashion_bpe.txt \
    --concepts tests/data/fashion_concepts.txt --compare "$out/loir.safetensors" | sed -n '1p;$p'

echo
echo "3. Choose keep: the fewest neurons that cost at most 1 point of clean accuracy,"
echo "   on $chosen training images that the ranking has not seen"
igdef analyze search-keep --model "$model" --data "$data" --first "$ranked" --count "$chosen" \
    --ranking "$out/loir.safetensors" --sigma "$sigma" --budget "$budget" --quiet \
    --output "$out/search-keep.json" | sed -n '/^keep/,/^$/p'
keep=$(number "$out/search-keep.json" keep)

echo
# usage: evaluate NAME ATTACKS FIRST COUNT REPORT [RANKING]: writes $out/NAME.json and .txt
evaluate()
{
    name=$1 list=$2 first=$3 count=$4 report=$5 ranking=${6:-}
    set -- --model "$model" --data "$data" --first "$first" --count "$count" --norm Linf \
        --eps "$eps" --attack "$list" --report "$report" --restart --quiet \
        --output "$out/$name.json"
    if [ -n "$ranking" ]; then
        set -- "$@" --ranking "$out/$ranking.safetensors" --keep "$keep" --sigma "$sigma"
    fi
    igdef eval "$@" >"$out/$name.txt"
}

echo "4. Attack all on $attacked test images: Linf, eps $eps, sigma $sigma, keep $keep, seed 0"
evaluate base "$attacks" 0 "$attacked" per-attack
for ranking in loir cdir random; do
    evaluate "$ranking" "$attacks" 0 "$attacked" per-attack "$ranking"
done
echo
printf '%-20s %8s %8s %8s %8s\n' 'accuracy in %' clean pgd apgd-ce worst
for who in base loir cdir random; do
    printf '%-20s %8s %8s %8s %8s\n' "$who" \
        "$(points "$(number "$out/$who.json" clean_acc)")" \
        "$(points "$(accuracy "$out/$who.json" pgd)")" \
        "$(points "$(accuracy "$out/$who.json" apgd-ce)")" \
        "$(points "$(number "$out/$who.json" worst_acc)")"
done
echo
awk -v b="$(number "$out/base.json" worst_acc)" -v n="$attacked" \
    -v d="$(number "$out/loir.json" worst_acc)" 'BEGIN {
        # Standard error of the difference of two such fractions.
        e = sqrt((b * (1 - b) + d * (1 - d)) / n)
        printf "LO-IR changes worst-case accuracy by %+.1f points (standard error %.1f).\n",
            100 * (d - b), 100 * e
        if (d - b <= 0)
            print "On this model and against these attacks, which know the defense, it does not help."
        else if (d - b < 2 * e)
            print "That is within what chance alone does to so few images."
        else
            print "Attacks that know the defense were used; a stronger one may leave less of it."
    }'
sed -n '/^Warnings/,/^$/p' "$out/loir.txt"
echo "Results: $out/base.json, loir.json, cdir.json, random.json ($(($(date +%s) - started)) s)"

echo
echo "5. What PGD does to activations, and the loss around images"
analyze() # KIND COUNT [OPTIONS]
{
    kind=$1 count=$2
    shift 2
    igdef analyze "$kind" --model "$model" --data "$data" --count "$count" --eps "$eps" \
        --ranking "$out/loir.safetensors" --quiet --output "$out/$kind.json" "$@" \
        >"$out/$kind.txt"
    sed '1,/^$/d; /^analysis:/d' "$out/$kind.txt"
}
analyze shift 300 --top 10
analyze landscape 50 --keep "$keep" --sigma "$sigma"

echo
echo "6. The worst case over nine attacks, $part images at a time for $patience s"
rm -f "$out"/worst-*
deadline=$(($(date +%s) + patience))
first=0
took=0
while [ $(($(date +%s) + took)) -le "$deadline" ]; do
    begun=$(date +%s)
    evaluate "worst-base-$first" worst-case "$first" "$part" union
    for ranking in loir random; do
        evaluate "worst-$ranking-$first" worst-case "$first" "$part" union "$ranking"
    done
    took=$(($(date +%s) - begun))
    first=$((first + part))
done
printf '%-20s %8s %8s   %s\n' 'accuracy in %' clean worst '95 % interval'
for who in base loir random; do
    merged=$out/worst-$who-0
    if [ "$first" -gt "$part" ]; then
        merged=$out/worst-$who
        igdef eval --merge "$out"/worst-"$who"-*.json --output "$merged.json" >"$merged.txt"
    fi
    printf '%-20s %8s %8s   %s\n' "$who" "$(points "$(number "$merged.json" clean_acc)")" \
        "$(points "$(number "$merged.json" worst_acc)")" \
        "$(sed -n 's/^worst case[^[]*\(\[[^]]*\]\).*/\1/p' "$merged.txt")"
done
echo "On the first $first test images: what fitted into the time. Intervals this wide decide nothing;"
echo "run 'igdef eval --attack worst-case' on a thousand images for figures to quote."

igdef report "$out/base.json" "$out/loir.json" "$out/cdir.json" "$out/random.json" \
    "$out/search-keep.json" "$out/shift.json" "$out/landscape.json" \
    --output "$out/report.html" --quiet
echo
echo "All of it but the worst case as a page: $out/report.html"
