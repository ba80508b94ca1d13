# shellcheck shell=bash disable=SC1091,SC2154,SC2054
# Analyses divided among processes: joined, they say what one process says.
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi
# What an analysis or a result says, less what is of the process and of the list of its parts.
findings() # FILE
{
    python3 - "$1" <<'END'
import json, sys
whole = json.load(open(sys.argv[1]))
for key in ("command", "device", "threads", "batch_size", "seconds", "sha256"):
    whole.pop(key, None)
for key in ("sha256", "parts"):
    whole["data"].pop(key, None)
for entry in whole.get("attacks", []):
    if isinstance(entry, dict): # an attack of a result: its cost depends on what is in the cache
        for key in ("seconds", "reused", "forwards", "backwards", "queries"):
            entry.pop(key, None)
whole.pop("checks", None)
for key in ("smaller", "larger"):
    whole.get("settings", {}).get(key, {}).pop("sha256", None)
# How many of the first images flip is said of each part's own.
whole["warnings"] = [w for w in whole["warnings"] if w["id"] != "randomised"]
print(json.dumps(whole, indent=1))
END
}
agree() # FILE FILE
{
    local a b
    a=$(findings "$1") && b=$(findings "$2") || return
    if [ "$a" = "$b" ]; then
        echo "$1 and $2 say the same"
    else
        diff <(echo "$a") <(echo "$b") | head -n 12
    fi
}
quiet igdef rank -m demo.pt -d "$data" -n 120 -o r.safetensors
quiet igdef rank -m demo.pt -d "$data" -n 100 -o other.safetensors
mkdir one joined

# KIND OPTIONS...: one run, two parts that are made out of order, and what they give joined:
# the analysis, its tables, and the results of its evaluations.
divided()
{
    local kind=$1 k file
    shift
    mkdir "$kind"
    echo "# $kind"
    { "$igdef" analyze "$kind" "$@" -o "one/$kind.json" | grep -v ^analysis: >one.txt; } 2>/dev/null
    for k in 1 0; do
        quiet igdef analyze "$kind" "$@" --batch-size $((5 + k)) --shard $k/2 \
            -o "$kind/p{shard}.json"
    done
    { "$igdef" analyze "$kind" --merge "$kind" -o "joined/$kind.json" --chart "$kind.svg" |
        grep -v '^analysis:\|^chart:' >joined.txt; } 2>&1
    agree "one/$kind.json" "joined/$kind.json"
    diff <(sed '/^Warnings/,$d' one.txt) <(sed '/^Warnings/,$d' joined.txt)
    for file in one/"$kind".json.*/*.json; do
        if [ -e "$file" ]; then
            agree "$file" "joined/${file#one/}"
            same "${file%.json}.images.jsonl" "joined/$(sed 's/^one.//; s/json$/images.jsonl/' <<<"$file")"
        fi
    done
    # Joined once more, it is there.
    cp "joined/$kind.json" before.json
    quiet igdef analyze "$kind" --merge "$kind"/p{1,0}.json -o "joined/$kind.json"
    tail -n 1 err.txt
    cmp before.json "joined/$kind.json"
}
common=(-m demo.pt -d "$data" -n 12 --eps 0.1 --attack 'fgsm,transfer:fgsm' --no-checks)
divided sweep "${common[@]}" -r r.safetensors --over keep --values 5,40
mv sweep keep
mkdir kept
mv one/sweep.json* kept
rm -r joined/sweep.json*
divided sweep -m demo.pt -d "$data" -n 12 --attack fgsm --no-checks -r r.safetensors --keep 40 \
    --over eps --values 4/255,0.1
divided ablation "${common[@]}" -r r.safetensors --keep 40
divided defenses "${common[@]}" -r r.safetensors --keep 40 --hedge-steps 2 --rows none,hedge,loir
divided radius -m demo.pt -d "$data" -n 12 --eps 0.2 --halvings 2 --attack fgsm --no-checks \
    -r r.safetensors --keep 40
divided shift -m demo.pt -d "$data" -n 12 -r r.safetensors --eps 0.1 --top 5 --set pgd.steps=4

# A part that is there is made again from what is there; another one is not overwritten.
shift=(igdef analyze shift -m demo.pt -d "$data" -n 12 -r r.safetensors --eps 0.1 --top 5
    --set pgd.steps=4)
over=(igdef analyze sweep "${common[@]}" --over keep --values 5,40)
quiet "${over[@]}" -r r.safetensors --shard 1/2 -o keep/p1.json
touch -d '2000-01-01' keep/p1.json.sweep/keep-5.json
quiet "${over[@]}" -r r.safetensors --shard 1/2 -o keep/p1.json
find keep/p1.json.sweep -newermt 2001-01-01 -name 'keep-5.json'
"${over[@]}" -r r.safetensors --shard 0/2 -o keep/p1.json 2>&1 | tail -n 1
"${shift[@]}" --shard 0/2 -o shift/p1.json 2>&1 | tail -n 1
"${shift[@]}" --shard 0/2 -o one/shift.json 2>&1 | tail -n 1

# What is there and differs is not overwritten by a whole either, nor its evaluations.
cp joined/ablation.json joined/keep.json
run igdef analyze sweep --merge keep -o joined/keep.json
echo '{"notes": 1}' >notes.json
run igdef analyze shift --merge shift -o notes.json
rm joined/keep.json
mkdir joined/keep.json.sweep
cp one/sweep.json.sweep/base-eps-0.1.json joined/keep.json.sweep/base.json
cp one/sweep.json.sweep/base-eps-0.1.images.jsonl joined/keep.json.sweep/base.images.jsonl
run igdef analyze sweep --merge keep -o joined/keep.json
quiet igdef analyze sweep --merge keep -o joined/keep.json --restart
agree joined/keep.json.sweep/base.json kept/sweep.json.sweep/base.json | tail -n 1

# What does not make up the whole.
mv keep/p1.json away.json
run igdef analyze sweep --merge keep -o x.json
cp away.json keep/p1.json
cp away.json keep/again.json
run igdef analyze sweep --merge keep -o x.json
rm keep/again.json
mv keep/p1.json.sweep away.sweep
run igdef analyze sweep --merge keep -o x.json
mv away.sweep keep/p1.json.sweep
quiet "${over[@]}" -r r.safetensors --shard 1/3 -o keep/p1of3.json
run igdef analyze sweep --merge keep -o x.json
rm -r keep/p1of3.json*
mv keep/p1.json away.json
quiet "${over[@]}" -r r.safetensors --seed 1 --shard 1/2 -o keep/seed.json
run igdef analyze sweep --merge keep -o x.json
rm keep/seed.json
"${over[@]}" -r other.safetensors --shard 1/2 -o keep/other.json >/dev/null 2>&1
igdef analyze sweep --merge keep -o x.json 2>&1 | sed 's/"[0-9a-f]\{64\}"/DIGEST/g'
rm keep/other.json
mv away.json keep/p1.json
mv shift/p1.json away.json
quiet igdef analyze shift -m demo.pt -d "$data" -n 12 -r other.safetensors --eps 0.1 --top 5 \
    --set pgd.steps=4 --shard 1/2 -o shift/other.json
igdef analyze shift --merge shift -o x.json 2>&1 | sed 's/"[0-9a-f]\{64\}"/DIGEST/g'
rm shift/other.json
mv away.json shift/p1.json
cp one/shift.json one/again.json
run igdef analyze shift --merge one/shift.json one/again.json -o x.json
run igdef analyze shift --merge keep -o x.json
cp notes.json keep/notes.json
run igdef analyze sweep --merge keep -o x.json
mkdir empty
run igdef analyze radius --merge empty -o x.json
run igdef analyze radius --merge radius/p0.json -o x.json
run igdef analyze radius --merge radius --halvings 2 -o x.json
mkdir crowd
for k in 0 1; do
    python3 -c 'import json, sys
part = json.load(open(sys.argv[1]))
part["classifiers"] *= 2
del part["sha256"]
json.dump(part, open(sys.argv[2], "w"))' "radius/p$k.json" "crowd/p$k.json"
done
run igdef analyze radius --merge crowd -o x.json
run igdef analyze radius --merge radius --restart
run "${shift[@]}" --shard 0/2
run "${shift[@]}" --shard 2/2 -o x.json
run "${shift[@]}" --shard auto/2 -o x.json
run "${shift[@]}" --shard-by x.json -o x.json
[ -z "$(find . -name 'x*')" ] && echo "nothing was written"
