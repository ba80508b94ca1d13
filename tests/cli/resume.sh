# shellcheck shell=bash disable=SC2154
# An interrupted run prints the command that goes on with it, and a shell takes it as it
# is: names with blanks and quotes, without --restart, with the part that was taken.
data=/usr/share/datasets/fashion-mnist
[ -d "$data" ] || { echo "case skipped: no $data"; return; }
odd=$'it\'s a\tfolder'
mkdir "$odd"
cp "$CASES/../data/fashion_resnet.pt" "$odd/demo.pt"
echo '{"restart": true, "eps": 0.1}' >again.json
eval=(eval -m "$odd/demo.pt" -d "$data" --no-checks -b 4 --attack "apgd-ce,square" -n 16
    --set "apgd-ce.steps=60,square.queries=150")
quiet igdef "${eval[@]}" --eps 0.1 -o whole.json

# Runs igdef until FILE is there and work is under way, ends it, and lets a new shell run
# what it printed. usage: stop FILE OPTIONS...
stop()
{
    local file=$1
    shift
    "$igdef" "$@" >out.txt 2>err.txt &
    wait_for "$file" $!
    sleep 0.2
    kill -TERM $!
    wait $!
    echo "[$?]"
    sed "s:$igdef:igdef:; s:$data:DATA:" err.txt | tail -n 2
    tail -n 1 err.txt >command.sh
    env -u IGDEF_SHARD bash command.sh >out.txt 2>err.txt || { echo "[$?]"; cat err.txt; }
}

stop r.json.state "${eval[@]}" --eps 0.1 -q -o r.json --restart
same whole.images.jsonl r.images.jsonl
rm r.json
stop r.json.state "${eval[@]}" -q -o r.json --config again.json
same whole.images.jsonl r.images.jsonl
IGDEF_SHARD=1/2 stop part-1.json.state "${eval[@]}" --eps 0.1 -q -o 'part-{shard}.json' \
    --shard auto
quiet igdef "${eval[@]}" --eps 0.1 -o part-0.json --shard 0/2
quiet igdef eval --merge part-0.json part-1.json -o joined.json
same whole.images.jsonl joined.images.jsonl
stop s.json.sweep analyze sweep --over eps --values 0.1,0.2 -q -o s.json \
    -m "$odd/demo.pt" -d "$data" --attack "apgd-ce,square" -n 16 -b 4 --no-checks \
    --set "apgd-ce.steps=60,square.queries=150"
[ -s s.json ] && echo 'the sweep has ended'
