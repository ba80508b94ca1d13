# shellcheck shell=bash disable=SC1091,SC2154,SC2054
# --defense meansparse: what it needs, what it does to the demo model, and attacks on it.
touch model.pt
defend=(igdef defend -m model.pt -d .)
run "${defend[@]}" --defense meansparse
run "${defend[@]}" --meansparse-data .
run "${defend[@]}" --defense caaa --meansparse-alpha 1
run "${defend[@]}" --defense meansparse --meansparse-data absent
run "${defend[@]}" --defense meansparse --meansparse-data . --meansparse-alpha -1
run "${defend[@]}" --defense meansparse --meansparse-data . --meansparse-split valid
run "${defend[@]}" --defense meansparse --meansparse-data . --keep 5
run igdef eval -m model.pt -d . --defense meansparse --meansparse-data . --fixed-noise
run igdef eval -m model.pt -d . --defense meansparse --meansparse-data . --attack joint:pgd
rm model.pt

data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
sparse=(--defense meansparse --meansparse-data "$data" --meansparse-count 200)
eval=(igdef eval -m demo.pt -d "$data" -n 24 --eps 0.1 --no-checks)
pgd=(--attack pgd,surrogate:pgd --set pgd.steps=5 --set surrogate:pgd.steps=5)

run igdef defend -m demo.pt -d "$data" -n 2 "${sparse[@]}" --meansparse-layer layer9 -q

# Without a threshold it is the base model, and whatever batch size it is itself.
quiet "${eval[@]}" --attack pgd --set pgd.steps=5 -o base.json
quiet "${eval[@]}" --attack pgd --set pgd.steps=5 "${sparse[@]}" --meansparse-alpha 0 -o zero.json
same base.images.jsonl zero.images.jsonl
quiet "${eval[@]}" "${pgd[@]}" "${sparse[@]}" -o sparse.json
grep -E '^(defense|cost) ' out.txt
quiet "${eval[@]}" "${pgd[@]}" "${sparse[@]}" -b 5 -t 1 -o again.json
same sparse.images.jsonl again.images.jsonl
tr -d '\t\n' <sparse.json | grep -o '"defense":{.*},"threat"' | sed 's/[0-9a-f]\{64\}/X/g'
run "${eval[@]}" "${pgd[@]}" "${sparse[@]}" --meansparse-alpha 0.3 -o sparse.json

# What is exported classifies as it does.
quiet igdef defend -m demo.pt -d "$data" -n 40 "${sparse[@]}" --meansparse-alpha 0.5 -o a.csv \
    --export e.pt
quiet igdef defend -m demo.pt -d "$data" -n 40 --defended e.pt -o b.csv
cut -d, -f1-4 a.csv >a
cut -d, -f1-4 b.csv >b
same a b

# Its probe images need no labels.
npy() # FILE SHAPE: an array of the bytes that come in
{
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' \
        "{'descr': '|u1', 'fortran_order': False, 'shape': ($2), }" >"$1"
    cat >>"$1"
}
zcat "$data/train-images-idx3-ubyte.gz" | tail -c +17 | head -c $((200 * 784)) | npy x.npy '200, 28, 28'
sparse=(--defense meansparse --meansparse-data x.npy --meansparse-alpha 0.5)
quiet igdef defend -m demo.pt -d "$data" -n 40 "${sparse[@]}" -o x.csv
same a.csv x.csv
