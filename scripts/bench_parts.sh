#!/usr/bin/env bash
# What a divided run costs (README, Speed), measured in this run: four parts against one run, the
# start of a part, and the joining of a thousand. Called by bench.sh.
#
# usage: scripts/bench_parts.sh BUILD-FOLDER [IMAGES [ROUNDS]]     [1000 images, once]
set -euo pipefail
cd "$(dirname "$0")/.."

build=$1 images=${2:-1000} rounds=${3:-1}
igdef=$build/igdef
fashion=/usr/share/datasets/fashion-mnist
demo=tests/data/fashion_resnet.pt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
short=(--model "$demo" --data "$fashion" --eps 0.1 --threads 1 --quiet)
full=("${short[@]}" --count "$images" --attack 'apgd-ce,apgd-t,square'
    --set 'apgd-t.targets=3,square.queries=1000')

# Seconds of the processors that a command takes, itself and what it starts.
cost()
{
    local TIMEFORMAT='%U %S'
    { time "$@" >/dev/null 2>"$work/messages"; } 2>"$work/time" || {
        cat "$work/messages" >&2
        return 1
    }
    awk '{ print $1 + $2 }' "$work/time"
}
median()
{
    sort -n | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2 + 1)]) / 2 }'
}
four_parts()
{
    for k in 0 1 2 3; do
        "$igdef" eval "${full[@]}" --shard $k/4 -o "$work/parts/{shard}.json"
    done
}

for _ in $(seq "$rounds"); do
    rm -rf "$work"/whole.* "$work/parts"
    mkdir "$work/parts"
    cost "$igdef" eval "${full[@]}" -o "$work/whole.json" >>"$work/one"
    cost four_parts >>"$work/four"
    "$igdef" eval --merge "$work/parts" -o "$work/joined.json" --restart >/dev/null
    cmp "$work/whole.images.jsonl" "$work/joined.images.jsonl"
done
one=$(median <"$work/one") four=$(median <"$work/four")
awk -v one="$one" -v four="$four" -v what="four parts / one run, $images images" 'BEGIN {
    printf "%-47s %7.3f  (at most 1.05; %.1f s, %.1f s)\n", what, four / one, four, one }'

for _ in 1 2 3 4 5; do
    cost "$igdef" inspect "$demo" >>"$work/load"
    cost "$igdef" eval "${short[@]}" --count 4 --attack fgsm --shard 0/4 >>"$work/start"
done
awk -v start="$(median <"$work/start")" -v load="$(median <"$work/load")" 'BEGIN {
    printf "%-47s %7.2f  (at most 0.5; %.2f s)\n", "seconds of a part of one image beyond its model",
        start - load, start }'

"$igdef" eval "${short[@]}" --count 1000 --attack pgd,apgd-ce,apgd-t,square --no-checks \
    --set pgd.steps=1,apgd-ce.steps=1,apgd-t.steps=1,square.queries=1 -o "$work/template.json" \
    >/dev/null
mkdir "$work/thousand"
"$build/tests/simulate_parts" "$work/template.json" "$work/thousand" 1000
python3 - "$igdef" "$work/thousand" "$work/million.json" <<'PYTHON'
import resource, subprocess, sys
igdef, parts, joined = sys.argv[1:]
subprocess.run([igdef, "eval", "--merge", parts, "-o", joined, "--quiet"], check=True,
               stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("%-47s %7.1f  (at most 10; %.0f MB, at most 300)"
      % ("seconds to join 1,000 parts of 1,000 images", used.ru_utime + used.ru_stime,
         used.ru_maxrss / 1e3))
PYTHON
