# shellcheck shell=bash disable=SC1091,SC2154,SC2054
# Sweeps, ablation and comparison of the demo model: killed and resumed, extended, refused.
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi

numbers() # FILE: accuracies and values, which must not differ
{
    grep -oE '"(value|name|clean_acc|worst_acc|robust_acc)":[^,]*' "$1"
}
same() # FILE FILE
{
    cmp <(numbers "$1") <(numbers "$2") && echo "$1 and $2 say the same"
}

quiet igdef rank -m demo.pt -d "$data" -n 100 -o loir.safetensors
common=(-m demo.pt -d "$data" -n 6 --no-checks)
over=(igdef analyze sweep "${common[@]}" --eps 0.1 -r loir.safetensors --over keep)
sweep=("${over[@]}" --attack "pgd,transfer:apgd-ce" --set pgd.steps=3,apgd-ce.steps=3)
quiet "${sweep[@]}" --values 5,40 -o whole.json --chart whole.svg
ls . whole.json.sweep
head -c 4 whole.svg
echo
grep -c '"result":	"whole.json.sweep/' whole.json

# Killed in the middle, it goes on to what it would have said; and a further value takes the
# points that are there.
long=("${over[@]}" --values 40,5 --attack square --set square.queries=300 -b 2 --quiet)
"$igdef" "${long[@]:1}" -o r.json &
wait_for r.json.sweep/base.state $!
kill -KILL $!
wait $! 2>/dev/null
[ -e r.json ] || echo "no r.json yet"
quiet "${long[@]}" -o r.json
quiet "${long[@]}" -b 6 -o uncut.json
same uncut.json r.json
touch -d '2000-01-01' r.json.sweep/keep-5.json
quiet "${long[@]}" --values 5,20,40 -o r.json
grep -c '"value"' r.json
find r.json.sweep -newermt 2001-01-01 -name 'keep-5.json'

# Another run is refused by name, and what is there stays.
run "${long[@]}" --seed 1 -o r.json
run "${sweep[@]}" --values 5,97 -o other.json --quiet
ls -d other.json* 2>/dev/null

# Layers and fractions are ranked anew; eps of the base model alone; a value of the attacks.
anew=(igdef analyze sweep "${common[@]}" --attack fgsm)
quiet "${anew[@]}" --over fraction --values 1,0.5 --rank-data "$data" --rank-count 200 -o f.json
npy() # FILE SHAPE: an array of the bytes that come in
{
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' \
        "{'descr': '|u1', 'fortran_order': False, 'shape': ($2), }" >"$1"
    cat >>"$1"
}
zcat "$data/train-images-idx3-ubyte.gz" | tail -c +17 | head -c $((200 * 784)) | npy x.npy '200, 28, 28'
zcat "$data/train-labels-idx1-ubyte.gz" | tail -c +9 | head -c 200 | npy y.npy '200,'
quiet "${anew[@]}" --over fraction --values 1,0.5 --rank-data x.npy --rank-labels y.npy -o n.json
same f.json n.json
run "${anew[@]}" --over layer --values penultimate,absent --rank-data "$data" --rank-count 100 -o x.json
run "${anew[@]}" --over layer --values penultimate+absent --rank-data "$data" --rank-count 100 -o x.json
quiet "${anew[@]}" --over eps --values 0.2,0.01 -o e.json
quiet "${anew[@]}" --over eps --values 0.1 --defense caaa -o c.json
quiet igdef analyze sweep "${common[@]}" --over pgd.steps --values 1,2 --attack pgd -r loir.safetensors --json
numbers f.json | grep value
numbers e.json | grep value
grep -o '"kind":	"caaa"' c.json
grep -c '"value"' out.txt

# Interrupted, each says where it goes on.
"$igdef" "${over[@]:1}" --values 40,5 --attack square --set square.queries=1000000 -b 2 --quiet \
    -o i.json 2>i.txt &
wait_for i.json.sweep/base.state $!
kill -TERM $!
wait $!
echo "[$?]"
cat i.txt

table=("${common[@]}" --eps 0.1 -r loir.safetensors --keep 40
    --attack "fgsm,transfer:fgsm")
quiet igdef analyze ablation "${table[@]}" -o a.json --chart a.svg
grep -c '"mask":' a.json
find a.json.rows -name '*.json' | grep -c .
quiet igdef analyze defenses "${table[@]}" --hedge-steps 2 -o d.json --chart d.svg
numbers d.json | grep name
run igdef analyze defenses "${table[@]}" --rows none,cdri
run igdef analyze defenses "${table[@]}" --cdir loir.safetensors --rows loir
