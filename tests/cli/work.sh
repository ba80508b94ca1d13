# shellcheck shell=bash disable=SC1091,SC2154
# From a ranking to predictions, and that nothing but the seed changes a result.
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
model=demo.pt
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi


quiet igdef rank -m "$model" -d "$data" -n 200 -o r.safetensors
quiet igdef rank -m "$model" -d "$data" -n 200 -o again.safetensors -b 32 -t 1
same r.safetensors again.safetensors
quiet igdef rank -m "$model" -d "$data" -n 200 --to-units units -o r2.safetensors
find units -name 'unit*.npy' | wc -l
quiet igdef rank -m "$model" -d "$data" -n 10 --method random --seed 1 -o 1.safetensors
quiet igdef rank -m "$model" -d "$data" -n 20 --method random --seed 2 -o 2.safetensors
run igdef rank -m "$model" -d "$data" --method random -o 1.safetensors | head -2
cmp -s 1.safetensors 2.safetensors || echo "another seed, another ranking"

predict=(igdef defend -m "$model" -r r.safetensors -d "$data" -n 60 --keep 40)
quiet "${predict[@]}" -o p.csv
quiet "${predict[@]}" -o b.csv -b 7 -t 1
same p.csv b.csv
quiet "${predict[@]}" --seed 5 --sigma 0.3 -o s.csv
cmp -s p.csv s.csv || echo "another seed, other noise"
head -n 1 p.csv
wc -l <p.csv
quiet "${predict[@]}" -o p.jsonl
grep -c '^{"index":[0-9]*,"label":[0-9],"prediction":[0-9],"base_prediction":[0-9],"confidence":[0-9.]*,"agree":[a-z]*}$' p.jsonl
igdef defend -m "$model" -r r.safetensors -d "$data" -n 3 --keep 96 --no-smoothing --json |
    tr -d '\t\n' | sed 's/:[0-9.e-]*/:N/g; s/true\|false/B/g; s/[0-9a-f]\{64\}/X/'
echo
igdef inspect "$model" -d "$data" -n 50 --json | grep -c '"penultimate":	true'
igdef inspect "$model" --input 1,28,28 | grep -A 1 '^penultimate'

echo '{}' >conf.json

# What is out of range is found before anything is written.
run igdef defend -m "$model" -r r.safetensors -d "$data" -n 3 --keep 97 -o x.csv
run igdef defend -m "$model" -r "$data/t10k-labels-idx1-ubyte.gz" -d "$data" -o x.csv
run igdef defend -m "$model" -r r.safetensors conf.json
run igdef rank -m "$model" -d "$data" --layer layr3 -o x.safetensors
run igdef rank -m "$model" -d "$data" -n 5 -o x.safetensors
run igdef rank -m "$model" -d "$data" --first 60000 -o x.safetensors
run igdef rank -m "$model" -d "$data" --mean 0.5,0.5,0.5 --std 1,1,1 -o x.safetensors

# An interrupted run leaves nothing; on a slow machine the signal may come before the work.
timeout --preserve-status -s INT 5 "$igdef" rank -m "$model" -d "$data" --plain \
    --layer layer1 -o x.safetensors --quiet 2>/dev/null
echo "[$?]"
ls -A
