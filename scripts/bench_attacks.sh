#!/usr/bin/env bash
# Whole evaluations against the official Python code, side by side in this run: same images,
# same libtorch, same threads. Minutes each; called by bench.sh.
#
# usage: scripts/bench_attacks.sh BUILD-FOLDER
# IGDEF_BENCH_AUTOATTACK and IGDEF_BENCH_RAYS name copies of fra31/auto-attack and uclaml/RayS,
# IGDEF_BENCH_CIFAR what bench.sh says; what is not named is left out. IGDEF_BENCH_MEMBERS lists
# the attacks [apgd-ce apgd-t fab-t square rays autoattack].
set -euo pipefail
cd "$(dirname "$0")/.."

igdef=$1/igdef
autoattack=${IGDEF_BENCH_AUTOATTACK:-}
rays=${IGDEF_BENCH_RAYS:-}
cifar=${IGDEF_BENCH_CIFAR:-}
fashion=/usr/share/datasets/fashion-mnist
demo=tests/data/fashion_resnet.pt
python=${IGDEF_BENCH_PYTHON:-/usr/bin/python3}
threads=$(nproc)
export OMP_WAIT_POLICY=passive
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Seconds of an evaluation by igdef, those of all processors, and the images that are robust.
# Loading and judging clean images, which a call on those alone takes, do not count: they do not
# for the official code.
ours() { # ATTACK MODEL DATA COUNT EPS [MORE...]
    local attack=$1 model=$2 data=$3 count=$4 eps=$5 TIMEFORMAT='%R %U %S'
    shift 5
    local call=(igdef eval --model "$model" --data "$data" --count "$count" --eps "$eps"
        --threads "$threads" --no-checks --no-bounds --json --quiet "$@")
    call[0]=$igdef
    { time "${call[@]}" --attack clean >/dev/null; } 2>"$work/clean"
    { time "${call[@]}" --attack "$attack" >"$work/result"; } 2>"$work/time"
    paste "$work/time" "$work/clean" | awk -v count="$count" -v result="$work/result" '{
        while ((getline line < result) > 0)
            if (line ~ /^\t"worst_acc":/) { split(line, part, ":"); robust = part[2] * count }
        printf "%.3f %.3f %.0f\n", $1 - $4, $2 + $3 - $5 - $6, robust }'
}

# usage: against WHAT ATTACK MODEL DATA COUNT EPS LIMIT [DEFENSE...]
# The second ratio is of the processors' time, which other programs disturb less.
against() {
    local what=$1 attack=$2 model=$3 data=$4 count=$5 eps=$6 limit=$7 official
    shift 7
    official=$($python scripts/bench_official.py "$attack" --autoattack "$autoattack" \
        ${rays:+--rays "$rays"} --model "$model" --data "$data" --count "$count" \
        --eps "$(awk "BEGIN { print $eps }")" --threads "$threads" "$@")
    echo "$official $(ours "$attack" "$model" "$data" "$count" "$eps" "$@")" | awk \
        -v what="$what, $count images" -v limit="$limit" '{
        printf "official / igdef, %-29s %7.2f  (aim %s); processors %.2f; %.1f and %.1f s; " \
            "robust %s and %s\n", what, $1 / $4, limit, $2 / $5, $1, $4, $3, $6 }'
}

# Where the time goes: oneDNN's generated kernels have no library, OpenBLAS does the rest.
shares() { # ATTACK COUNT
    command -v perf >/dev/null || return 0
    perf record -q -F 199 -o "$work/perf" -- "$igdef" eval --attack "$1" --model "$demo" \
        --data "$fashion" --count "$2" --eps 0.1 --threads 1 --no-checks --quiet \
        >/dev/null 2>&1 || return 0
    perf report -i "$work/perf" --no-children --sort dso 2>/dev/null | awk -v what="$1" '
        /^ +[0-9.]+%/ {
            sub("%", "", $1)
            if ($2 == "[JIT]" || $2 ~ /libdnnl|openblas/) products += $1
            else if ($2 ~ /libtorch|libc10/) torch += $1
            else if ($2 ~ /igdef/) own += $1
        }
        END { printf "%-9s time in convolutions and products %.0f %%, elsewhere in libtorch " \
                     "%.0f %%, in igdef %.0f %%\n", what, products, torch, own }'
}

# Megabytes that a command held at its peak.
peak() {
    $python -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@"
}

if [ -n "$autoattack" ]; then
    members=${IGDEF_BENCH_MEMBERS:-apgd-ce apgd-t fab-t square ${rays:+rays} autoattack}
    for attack in $members; do
        against "$attack" "$attack" "$demo" "$fashion" 200 0.1 3
    done
    for attack in ${cifar:+$members}; do
        against "$attack, CIFAR-10" "$attack" "$cifar/rn18w16.pt" "$cifar" 100 8/255 1.5
    done
    if [ -n "$rays" ]; then
        "$igdef" rank --model "$demo" --data "$fashion" --count 5000 \
            -o "$work/loir.safetensors" --quiet >/dev/null
        against "worst-case, defended" worst-case "$demo" "$fashion" 8 0.1 5 \
            --ranking "$work/loir.safetensors" --keep 20 --sigma 0.05
    fi
fi
for attack in apgd-t square fab-t; do
    shares "$attack" 64
done
short=$(peak "$igdef" eval --attack square --model "$demo" --data "$fashion" --count 64 --eps 0.1 \
    --no-checks --quiet --set square.queries=500)
long=$(peak "$igdef" eval --attack square --model "$demo" --data "$fashion" --count 256 --eps 0.1 \
    --no-checks --quiet --set square.queries=2000)
echo "peak memory: $short MB for 64 images of 500 queries, $long MB for 256 of 2000"
