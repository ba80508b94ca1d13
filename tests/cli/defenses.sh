# shellcheck shell=bash disable=SC1091,SC2154,SC2054
# Kinds of defenses: what their options do and which do not belong together.
touch model.pt ranking.safetensors
defend=(igdef defend -m model.pt -d .)
eval=(igdef eval -m model.pt -d .)

run "${defend[@]}"
run "${defend[@]}" --defense sodef
run "${defend[@]}" --defense mask
run "${defend[@]}" --mask random --passes 3
run "${defend[@]}" --passes 1
run "${defend[@]}" --mask none --keep 5
run "${defend[@]}" --mask none --sigma 0.1
run "${defend[@]}" -r ranking.safetensors --passes 1 --temperature 1
run "${defend[@]}" -r ranking.safetensors --caaa-steps 2
run "${defend[@]}" -r ranking.safetensors --defense caaa
run "${defend[@]}" --defense caaa --hedge-steps 2
run "${defend[@]}" --defense hedge --hedge-step-size 0
run "${defend[@]}" --defense hedge --caaa-alpha 0.1
run "${defend[@]}" --hedge-eps 0.1
run "${defend[@]}" --defended model.pt --keep 5
run "${defend[@]}" --defended model.pt --defense caaa
run "${defend[@]}" --defended absent.pt
run igdef defend -m model.pt --defense caaa --input 1,28,28 --export x.pt
run igdef defend -m model.pt --defended model.pt --input 1,28,28 --export x.pt
run igdef defend -m model.pt --mask none --input 1,28,28 --export x.pt
run "${eval[@]}" --caaa-alpha 0.1
run "${eval[@]}" --defense caaa --fixed-noise
run "${eval[@]}" --defense hedge --no-hedge-random-start --fixed-noise
run "${eval[@]}" --mask none --fixed-noise
run "${eval[@]}" --defense hedge --attack surrogate:pgd
run "${eval[@]}" --mask none --passes 1 --attack joint:pgd
run "${eval[@]}" --mask random --passes 1 --attack joint:pgd
rm model.pt ranking.safetensors
ls -A

data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
defense_of() # RESULT: its settings on one line
{
    tr -d '\t\n' <"$1" | grep -o '"defense":{.*},"threat"' | sed 's/[0-9a-f]\{64\}/X/g'
}

# No mask, or none that moves the image: the flags of the base model.
eval=(igdef eval -m demo.pt -d "$data" -n 24 --eps 0.1 --attack apgd-ce
    --set apgd-ce.steps=5 --no-checks)
quiet "${eval[@]}" -o base.json
quiet "${eval[@]}" --mask none -o none.json
quiet "${eval[@]}" --defense caaa --caaa-steps 0 -o caaa0.json
quiet "${eval[@]}" --defended demo.pt -o file.json
same base.images.jsonl none.images.jsonl
same base.images.jsonl caaa0.images.jsonl
same base.images.jsonl file.images.jsonl

# Each is its own run: whatever batch size, and none takes another's state.
quiet "${eval[@]}" --defense caaa -o caaa.json
quiet "${eval[@]}" --defense caaa -b 5 -t 1 -o again.json
same caaa.images.jsonl again.images.jsonl
quiet "${eval[@]}" --defense hedge --hedge-steps 2 --draws 2 -o hedge.json
quiet "${eval[@]}" --defense hedge --hedge-steps 2 --draws 2 -b 7 -o again.json --restart
same hedge.images.jsonl again.images.jsonl
quiet "${eval[@]}" --mask random --keep 40 --passes 1 --smooth 2 --draws 2 -o random.json
for kind in none caaa hedge random file; do
    defense_of $kind.json
done
quiet "${eval[@]}" --defense caaa --state s.state
run "${eval[@]}" --defense hedge --state s.state
run "${eval[@]}" --defense caaa --caaa-alpha 0.1 --state s.state
run "${eval[@]}" --mask none --state s.state

# One command line and one configuration mean the same.
printf '{"defense": "caaa", "caaa-steps": 1, "caaa-alpha": "1/10"}' >conf.json
quiet "${eval[@]}" --config conf.json -o again.json --restart
defense_of again.json
quiet igdef defend -m demo.pt -d "$data" -n 40 --defense hedge --hedge-steps 2 -o a.csv
quiet igdef defend -m demo.pt -d "$data" -n 40 --defense hedge --hedge-steps 2 -b 9 -o b.csv
same a.csv b.csv

# A defense with a neural ODE, exported from PyTorch (scripts/train_demo_sodef.py).
ln -s "$CASES/../data/fashion_sodef.pt" sodef.pt
quiet igdef eval -m demo.pt -d "$data" -n 200 --eps 0.1 --defended sodef.pt \
    --attack transfer:pgd --set pgd.steps=3 --no-checks --expect-clean 0.885 --strict -o sodef.json
grep -c '"target":	"transfer"' sodef.json

# What an exported file is, another command can evaluate; its noise no seed decides.
quiet igdef defend -m demo.pt --mask random --keep 40 --input 1,28,28 --export e.pt
"${eval[@]}" --defended e.pt --draws 2 --quiet | grep -o '^  not-repeatable'
