# shellcheck shell=bash disable=SC1091,SC2154,SC2054,SC2012
# Evaluations of the demo model: resumed, split, refused, checked.
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi

quiet() # COMMAND...: what it prints differs between machines
{
    "$@" >out.txt 2>err.txt || { echo "[$?]"; sed 's/\(sha256\|this is\) [0-9a-f]*/\1 X/g' err.txt; }
}

eval=(igdef eval -m demo.pt -d "$data" --eps 0.1 --attack "pgd,apgd-ce" --no-checks
    --set pgd.steps=5,apgd-ce.steps=10)
quiet "${eval[@]}" -n 24 -o whole.json
quiet "${eval[@]}" -n 24 -b 5 -t 1 -o other.json
same whole.images.jsonl other.images.jsonl
ls

# Ranges of one run join to the whole; others do not.
quiet "${eval[@]}" --first 0 -n 10 -o a.json
quiet "${eval[@]}" --first 10 -n 14 -o b.json
quiet "${eval[@]}" --first 9 -n 5 -o overlap.json
quiet "${eval[@]}" --first 10 -n 14 --seed 1 -o seed.json
quiet igdef eval --merge b.json a.json -o joined.json
same whole.images.jsonl joined.images.jsonl
run igdef eval --merge a.json overlap.json -o x.json
run igdef eval --merge a.json seed.json -o x.json
rm -f ./*.json ./*.jsonl

# An interrupted run keeps its state, and the same command ends it with the same flags.
"$igdef" eval -m demo.pt -d "$data" --eps 0.1 -n 24 --attack square,rays --no-checks \
    -b 4 -o r.json --quiet &
wait_for r.json.state $!
"$igdef" eval -m demo.pt -d "$data" --eps 0.1 -n 24 --attack square,rays --no-checks \
    -b 4 -o r.json --quiet 2>&1 | sed 's/process [0-9]* on .*/process N on HOST/'
kill -TERM $!
wait $!
echo "[$?]"
ls -I '*.checkpoint' # there only if images were in work already
run igdef eval -m demo.pt -d "$data" --eps 0.1 -n 24 --attack square --no-checks -o r.json
run igdef eval -m demo.pt -d "$data" --eps 0.2 -n 24 --attack square,rays --no-checks -o r.json
printf x >>r.json.state
run igdef eval -m demo.pt -d "$data" --eps 0.1 -n 24 --attack square,rays --no-checks -o r.json
quiet igdef eval -m demo.pt -d "$data" --eps 0.1 -n 24 --attack fgsm --restart -o r.json
ls
rm -f r.json r.images.jsonl

# A finished result is not overwritten by another run; the same one shows it again.
kept=(igdef eval -m demo.pt -d "$data" --no-checks -o kept.json --eps 0.1 -n 24)
quiet "${kept[@]}" --attack fgsm
cp kept.json before.json
run "${kept[@]}" --attack fgsm --eps 0.2
run "${kept[@]}" --attack pgd
run "${kept[@]}" --attack fgsm -n 12
"${kept[@]}" --attack fgsm -b 5 2>&1 >again.txt | grep -c 'this run is finished'
same kept.json before.json
quiet "${kept[@]}" --attack fgsm --expect-clean 0.1
quiet "${kept[@]}" --attack fgsm --save-adversarial late.npy
head -c 6 late.npy | tail -c 5
echo
quiet "${kept[@]}" --attack fgsm --eps 0.2 --restart
grep -c '"eps":.*0.2' kept.json
echo '{"notes": 1}' >notes.json
run "${kept[@]}" --attack fgsm -o notes.json
cat notes.json
rm -f ./*.json ./*.jsonl ./*.npy
igdef eval -m demo.pt -d "$data" --no-checks --eps 0.1 -n 8 --attack fgsm 2>&1 >out.txt |
    grep -c 'without --output nothing is kept'

# Checks that were asked for.
quiet igdef eval -m demo.pt -d "$data" -n 24 --expect-clean 0.1
quiet igdef eval -m demo.pt -d "$data" -n 24 --mean 0.5,0.5,0.5 --std 1,1,1

# A defended model, the sets of the base model, and what is saved.
quiet igdef rank -m demo.pt -d "$data" -n 200 -o loir.safetensors
defended=("${eval[@]}" -n 12 -r loir.safetensors --keep 40)
quiet "${defended[@]}" --attack transfer:apgd-ce,pgd --save-adversarial x.npy -o d.json
# shellcheck disable=SC2012 # names of our own making
ls . igdef-cache | sed 's/^[0-9a-f]\{64\}/KEY/; s/[0-9a-f]*-[0-9a-f]*-[0-9a-f]*\.adv$/TOKEN.adv/'
head -c 6 x.npy | tail -c 5
echo
"${defended[@]}" --attack transfer:apgd-ce,pgd --json --quiet | grep -c '"majority_acc"'
quiet "${defended[@]}" --fixed-noise -o f.json
grep -c majority_acc f.json
quiet "${defended[@]}" --no-smoothing --strict

# A ranking of another model.
quiet igdef defend -m demo.pt -r loir.safetensors --input 1,28,28 --export other.pt
quiet igdef eval -m other.pt -r loir.safetensors -d "$data" -n 3
