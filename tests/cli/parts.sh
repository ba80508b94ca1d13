# shellcheck shell=bash disable=SC1091,SC2154
# What --progress says of a run whose parts are finished, running, killed and not begun.
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi
eval=("$igdef" eval -m demo.pt -d "$data" --eps 0.1 --attack square --no-checks --threads 1
    --set square.queries=150 -n 24 --batch-size 2)
part() # I: computes it
{
    "${eval[@]}" --shard "$1/4" -o 'parts/p{shard}.json' >/dev/null 2>err.txt
}
# Part, state, and images of those whose number does not depend on when they were stopped.
states()
{
    igdef eval --progress parts | sed -n '/^[0-9]/p' | awk '
        NF == 0 || / parts:/ { exit }
        $2 == "finished" { print $1, $2, $3, $4, $5; next }
        $2 == "not" { print $1, $2, $3; next }
        { print $1, $2 }'
}
mkdir parts
part 0
# One is killed, one is held in the middle of its work.
"${eval[@]}" --shard 1/4 -o parts/p1.json >/dev/null 2>&1 &
killed=$!
wait_for parts/p1.json.state $killed
{ kill -KILL $killed && wait $killed; } 2>/dev/null
"${eval[@]}" --shard 3/4 -o parts/p3.json >/dev/null 2>&1 &
held=$!
wait_for parts/p3.json.state $held
kill -STOP $held
states
igdef eval --progress parts | grep 'nobody works on it'
igdef eval --progress parts --json | grep -c "process $held on $(hostname)"
kill -CONT $held
wait $held
part 1
states
part 2
igdef eval --progress parts | awk 'length > widest { widest = length }
    NR <= 4 { print } END { print (widest <= 80) }'
quiet "${eval[@]}" -o whole.json
quiet igdef eval --merge parts -o parts/joined.json
same whole.images.jsonl parts/joined.images.jsonl
# A joined result is no part; the accuracy is that of the whole.
igdef eval --progress parts | sed -n 's/^\([0-9.]* % of 24 images\).*/\1/p'
grep -c '"robust":true' whole.images.jsonl

# What is refused.
mkdir empty
run igdef eval --progress empty
run igdef eval --progress nowhere
run igdef eval --progress demo.pt
run igdef eval --progress parts --attack pgd
quiet "${eval[@]}" --seed 1 --shard 2/4 -o parts/p2.json --restart
run igdef eval --progress parts
quiet "${eval[@]}" --shard 0/3 -o parts/p2.json --restart
run igdef eval --progress parts
cp parts/p0.json parts/p2.json
cp parts/p0.images.jsonl parts/p2.images.jsonl
run igdef eval --progress parts
echo x >parts/p2.json.state
run igdef eval --progress parts
