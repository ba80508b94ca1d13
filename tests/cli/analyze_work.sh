# shellcheck shell=bash disable=SC1091,SC2154
# Experiments on the demo model: files, choice of images, and that batches and threads
# change nothing.
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
findings() # FILE: without what differs between two runs
{
    grep -v '"command"\|"threads"\|"seconds"\|^	"sha256"' "$1" # the last one is of all
}
same() # FILE FILE
{
    cmp <(findings "$1") <(findings "$2") && echo "$1 and $2 found the same"
}
value() # FILE KEY
{
    grep -m 1 "^	\"$2\":" "$1" | tr -d '\t,'
}

quiet igdef rank -m demo.pt -d "$data" -n 300 -o r.safetensors

shift=(igdef analyze shift -m demo.pt -r r.safetensors -d "$data" --eps 0.1 --top 5
    --set pgd.steps=4)
quiet "${shift[@]}" -n 20 -o shift.json --chart shift.svg
tail -n 2 out.txt
quiet "${shift[@]}" -n 20 -b 3 -t 1 -o other.json
same shift.json other.json
grep -c '<svg' shift.svg
quiet "${shift[@]}" -n 20 --target defended --keep 5 --no-smoothing -o defended.json
value defended.json target
quiet "${shift[@]}" -n 20 --top 97

# Every keep; those of the images behind the 300 that were ranked.
keep=(igdef analyze search-keep -m demo.pt -r r.safetensors -d "$data" --sigma 0.05)
quiet "${keep[@]}" --first 300 -n 50 -o keep.json --chart keep.svg
quiet "${keep[@]}" --first 300 -n 50 -b 7 -t 1 -o other.json
same keep.json other.json
value keep.json method
value keep.json passes
grep -c '"keep":' keep.json
value keep.json warnings
quiet "${keep[@]}" -n 50 -o seen.json
grep -o '50 of the 50 images are among the first 300' seen.json

plane=(igdef analyze landscape -m demo.pt -d "$data" -n 4 --grid 3 --eps 0.1)
quiet "${plane[@]}" -r r.safetensors --keep 5 -o plane.json --chart plane.svg
grep '"name"' plane.json | tr -d '\t,'
quiet "${plane[@]}" --json
grep '"kind"' out.txt | tr -d '\t,'

# What fails leaves nothing behind.
quiet "${plane[@]}" -r r.safetensors --keep 97 -o none.json --chart none.svg
quiet igdef analyze shift -m demo.pt -r demo.pt -d "$data" -o none.json
ls
