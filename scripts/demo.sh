#!/bin/sh
# From nothing to a defended and attacked model, on Fashion-MNIST: installs what is
# missing, builds igdef, ranks the neurons of a small adversarially trained ResNet, chooses how many
# to keep and how much noise to add, and evaluates base and defended model, last under the nine
# attacks of the worst case. The attacks are short, so that all of it takes minutes on two cores.
# usage: demo.sh [--installed] [--small] [FOLDER]      FOLDER for the results, default build/demo
# --installed takes the igdef of PATH, and installs and builds nothing; --small takes a tenth of the
# images.
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh

installed='' small=''
while :; do
    case ${1:-} in
    --installed) installed=yes ;;
    --small) small=yes ;;
    *) break ;;
    esac
    shift
done
model=tests/data/fashion_resnet.pt
data=/usr/share/datasets/fashion-mnist
names=tests/data/fashion_concepts.txt # of its classes
out=${1:-build/demo}
eps=0.1          # what the model was trained against
sigma=0.05       # eps/2, unless step 4 shows that another helps
ranked=10000     # training images the neurons are ranked on
chosen=10000     # other training images that keep is chosen on
budget=0.01      # clean accuracy that the mask may cost there
tuned=128        # of those, that settings are attacked on
attacked=300     # test images
attacks=transfer:apgd-ce,transfer:apgd-t,apgd-ce,square
short=apgd-ce.steps=20,apgd-t.steps=20,apgd-t.targets=3,square.queries=200
worst=128        # test images for the worst case over nine attacks
worst_short=$short,apgd-cw.steps=20,fab-t.steps=10,fab-t.targets=3,rays.queries=300
worst_short=$worst_short,apgd-eot.steps=10,apgd-eot.eot=5

if [ -n "$small" ]; then
    ranked=1000 chosen=1000 tuned=32 attacked=30 worst=12
fi
if [ -z "$installed" ]; then
    scripts/setup.sh
    build build -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=OFF >/dev/null
    PATH=$PWD/build:$PATH
fi
mkdir -p "$out"
started=$(date +%s)

# The number of a key of a JSON file that igdef wrote.
number() # FILE KEY
{
    awk -v key="\"$2\":" '$1 == key { sub(/,$/, "", $2); print $2; exit }' "$1"
}
# The accuracy that heads the line of an attack in an igdef eval report, in percent.
accuracy() # FILE LINE
{
    awk -v name="$2" 'index($0, name " ") == 1 {
        sub(/ %.*/, ""); sub(/.* /, ""); printf "%.1f", $0; exit }' "$1"
}

echo "igdef: $(igdef --version | tr '\n' ' ')"
echo
echo "1. What the model is"
igdef inspect "$model" --input 1,28,28 | sed -n '1,/^$/p'

echo "2. Rank the neurons of its penultimate layer on $ranked training images"
rank()
{
    igdef rank --model "$model" --data "$data" --classes "$names" --count "$ranked" \
        --output "$out/$1.safetensors" --method "$@"
}
rank loir
echo
rank random --compare "$out/loir.safetensors" | sed -n '1,/^$/p;/ shares /,$p'
rank cdir --clip tests/data/fashion_clip.pt --vocab tests/data/fashion_bpe.txt \
    --concepts "$names" --compare "$out/loir.safetensors" | sed -n '1,/^$/p;/ shares /,$p'

echo
echo "3. Choose keep: the fewest neurons that cost at most 1 point of clean accuracy,"
echo "   on $chosen training images that the ranking has not seen"
igdef analyze search-keep --model "$model" --data "$data" --first "$ranked" --count "$chosen" \
    --ranking "$out/loir.safetensors" --sigma "$sigma" --budget "$budget" --quiet \
    --output "$out/search-keep.json" | sed -n '/^keep/,/^$/p'
keep=$(number "$out/search-keep.json" keep)

echo
echo "4. Choose keep and sigma under attack, on $tuned of those images: what gains most"
keeps=$keep,$((keep + 10)),$((keep + 30))
igdef analyze tune --model "$model" --data "$data" --first "$ranked" --count "$tuned" \
    --ranking "$out/loir.safetensors" --keeps "$keeps" --sigmas 0,0.025,0.05 \
    --temperatures 0.01 --eps "$eps" --draws 5 --budget-clean "$budget" --restart --quiet \
    --set apgd-ce.steps=20,apgd-t.steps=10,apgd-t.targets=3 \
    --output "$out/tune.json" --chart "$out/tune.svg" | sed -n '/^[0-9]* settings/,/^analysis/p' |
    sed '/^analysis/d'
if [ "$(number "$out/tune.json" helps)" = true ]; then
    keep=$(number "$out/tune.json" keep)
    sigma=$(number "$out/tune.json" sigma)
fi
echo "So: keep $keep, sigma $sigma"

echo
# usage: evaluate NAME ATTACKS SET COUNT REPORT [RANKING]: writes $out/NAME.json and .txt
evaluate()
{
    name=$1 list=$2 set=$3 count=$4 report=$5 ranking=${6:-}
    set -- --model "$model" --data "$data" --classes "$names" --count "$count" \
        --norm Linf --eps "$eps" --attack "$list" --set "$set" --report "$report" --restart --quiet \
        --output "$out/$name.json"
    if [ -n "$ranking" ]; then
        set -- "$@" --ranking "$out/$ranking.safetensors" --keep "$keep" --sigma "$sigma"
    fi
    igdef eval "$@" >"$out/$name.txt"
}

echo "5. Attack all on $attacked test images: Linf, eps $eps, sigma $sigma, keep $keep, seed 0,"
echo "   with short attacks: $short"
evaluate base "$attacks" "$short" "$attacked" per-attack
for ranking in loir cdir random; do
    evaluate "$ranking" "$attacks" "$short" "$attacked" per-attack "$ranking"
done
echo
row='%-8s %7s %17s %16s %8s %7s %7s\n'
# shellcheck disable=SC2059 # the row is a format
printf "$row" 'in %' clean transfer:apgd-ce transfer:apgd-t apgd-ce square all
for who in base loir cdir random; do
    # shellcheck disable=SC2059
    printf "$row" "$who" "$(accuracy "$out/$who.txt" clean)" \
        "$(accuracy "$out/$who.txt" transfer:apgd-ce)" \
        "$(accuracy "$out/$who.txt" transfer:apgd-t)" \
        "$(accuracy "$out/$who.txt" apgd-ce)" "$(accuracy "$out/$who.txt" square)" \
        "$(accuracy "$out/$who.txt" 'all listed attacks')"
done
echo
igdef report "$out/base.json" "$out/loir.json" "$out/cdir.json" "$out/random.json" \
    --output "$out/report.html"
echo
sed -n '/^Warnings/,/^$/p' "$out/loir.txt"
echo "Results: $out/base.json, loir.json, cdir.json, random.json ($(($(date +%s) - started)) s)"

echo
echo "6. What PGD does to activations, and the loss around images"
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
echo "7. The worst case over nine attacks on $worst test images, with short attacks:"
echo "   $worst_short"
rm -f "$out"/worst-*
begun=$(date +%s)
evaluate worst-base worst-case "$worst_short" "$worst" union
for ranking in loir random; do
    evaluate "worst-$ranking" worst-case "$worst_short" "$worst" union "$ranking"
done
echo
printf '%-8s %7s %7s   %s\n' 'in %' clean worst '95 % interval'
for who in base loir random; do
    printf '%-8s %7s %7s   %s\n' "$who" "$(accuracy "$out/worst-$who.txt" clean)" \
        "$(accuracy "$out/worst-$who.txt" 'worst case')" \
        "$(sed -n 's/^worst case[^[]*\(\[[^]]*\]\).*/\1/p' "$out/worst-$who.txt")"
done
echo
igdef report "$out/worst-base.json" "$out/worst-loir.json" "$out/worst-random.json" \
    --output "$out/worst.html"
echo "($(($(date +%s) - begun)) s) Run 'igdef eval --attack worst-case' with its own budgets on a"
echo "thousand images for figures to quote."

igdef report "$out/base.json" "$out/loir.json" "$out/cdir.json" "$out/random.json" \
    "$out/search-keep.json" "$out/tune.json" "$out/shift.json" "$out/landscape.json" \
    --output "$out/report.html" --quiet
echo
echo "All of it but the worst case as a page: $out/report.html; the worst case: $out/worst.html"
