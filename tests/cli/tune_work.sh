# shellcheck shell=bash disable=SC1091,SC2154,SC2054
# igdef analyze tune on the demo model: it ranks, halves, chooses, names the command for the
# test, and takes what is there when it is asked again.
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi
# A data set without training images, and more ranked on than there are.
mkdir test-only
ln -s "$data"/t10k-* test-only
run igdef analyze tune -m demo.pt -d test-only -o t.json | sed 's/at [^ ]*test-only/at test-only/'
run igdef analyze tune -m demo.pt -d "$data" -o t.json --rank-count 60000
run igdef analyze tune -m demo.pt -d "$data" -o t.json --rank-count 100 --layers absent
run igdef analyze tune -m demo.pt -d "$data" -o t.json --rank-count 100 --keeps 97 --quiet
rm -r t.json.tune

tune=(igdef analyze tune -m demo.pt -d "$data" --eps 0.1 --rank-count 300 --keeps 5,48
    --sigmas 0,0.05,0.1 --temperatures 0.01 -n 16 --first-images 8 --draws 3
    --set apgd-t.steps=4,apgd-t.targets=1,apgd-ce.steps=4 --budget-clean 1)
findings() # FILE: without what differs between two runs
{
    grep -v '"command"\|"threads"\|"seconds"\|"sha256"\|"next"\|"text"\|-t.json' "$1"
}
quiet "${tune[@]}" -o t.json --chart t.svg
sed -n '/^6 settings/,/^$/p' out.txt
quiet "${tune[@]}" -o other.json -b 5 -t 1
cmp <(findings t.json) <(findings other.json) && echo "batches and threads change nothing"
grep -c '"gain"' t.json
grep -c '<svg' t.svg
find t.json.tune -mindepth 1 -maxdepth 1 -printf '%f\n' | sed 's/-to-.*//' | sort | uniq -c | sed 's/^ *//'
# The same command takes what is there; with another grid what fits of it.
quiet "${tune[@]}" -o t.json
quiet igdef report t.json -o page.html
grep -o 'halved from round to round: [^.]*' page.html | sed 's/<[^>]*>//g'
# A ranking that is there, on images that it has not seen, and one that has seen all.
quiet igdef rank -m demo.pt -d "$data" -n 50 -o small.safetensors
quiet igdef analyze tune -m demo.pt -d "$data" --eps 0.1 -r small.safetensors --keeps 20,40 \
    --sigmas 0 --temperatures 0.1 -n 8 --attack fgsm --quiet --json
grep -o '"num_settings":	[0-9]*' out.txt
grep -q 'seen-images' out.txt || echo 'images that the ranking has not seen'
