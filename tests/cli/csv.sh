# shellcheck shell=bash disable=SC2154
# --csv prints what --json holds as a table that other programs read; --min-robust compares
# what was measured.
cp "$CASES"/../report/*.json "$CASES"/../report/*.jsonl .
cat >table.py <<'P'
import csv
import sys
# The columns, how many rows, and whether all have as many fields.
rows = list(csv.reader(sys.stdin))
print(','.join(rows[0]))
print(len(rows) - 1, 'rows', '' if all(len(r) == len(rows[0]) for r in rows) else 'RAGGED')
P
table()
{
    "$igdef" "$@" --quiet --csv | python3 table.py
}

table report base.json loir.json random.json -o page.html
run igdef report base.json -o page.html --csv --json
run igdef eval -m base.json -d . --min-robust 0.5
run igdef eval -m base.json -d . --attack fgsm --min-robust 2
run igdef eval -m base.json -d . --attack fgsm --min-robust-by point
run igdef eval -m base.json -d . --attack fgsm --shard 0/2 --min-robust 0.5
run igdef eval -m base.json -d . --attack fgsm --min-robust 0.5 --min-robust-by pont
run igdef defend -m base.json -r loir.json --csv --export e.pt --input 1,28,28

data=/usr/share/datasets/fashion-mnist
[ -d "$data" ] || { echo "case skipped: no $data"; return; }
cp "$CASES/../data/fashion_resnet.pt" demo.pt
of=(-m demo.pt -d "$data")
ranked=("${of[@]}" -r loir.safetensors --eps 0.1 -n 16)
table inspect demo.pt --input 1,28,28
table rank "${of[@]}" -n 200 -o loir.safetensors
table defend "${of[@]}" -r loir.safetensors -n 8
table analyze shift "${ranked[@]}" --attack fgsm
table analyze search-keep "${of[@]}" -r loir.safetensors -n 50
table analyze landscape "${of[@]}" -n 8 --grid 3
table analyze sweep "${ranked[@]}" --no-checks --attack fgsm --over keep --values 5,50
table analyze ablation "${ranked[@]}" --no-checks --attack fgsm --draws 2
table analyze defenses "${ranked[@]}" --no-checks --attack fgsm,transfer:fgsm --draws 2 \
    --rows none,loir
table analyze tune "${of[@]}" -r loir.safetensors --keeps 5,50 --sigmas 0 --temperatures 0.1 \
    --first-images 8 -n 16 --eps 0.1 --attack fgsm
table analyze radius "${of[@]}" --eps 0.1 -n 16 --no-checks --attack fgsm --halvings 2

# The same numbers as in the result and its lines of images.
eval=(eval "${of[@]}" --eps 0.1 -n 40 --attack "fgsm,pgd" --set pgd.steps=3 --no-checks -o r.json)
"$igdef" "${eval[@]}" --csv --quiet >r.csv
cat >compare.py <<'P'
import csv
import json
result = json.load(open('r.json'))
rows = list(csv.DictReader(open('r.csv')))
print([r['name'] for r in rows], list(rows[0]))
for row, attack in zip(rows[1:], result['attacks']):
    assert row['name'] == attack['name'] and row['target'] == attack['target']
    assert float(row['accuracy']) == attack['robust_acc']
    assert int(row['num_fooled']) == attack['num_fooled']
intervals = [result['intervals']['clean_acc'], *result['intervals']['attacks'],
             result['intervals']['worst_acc']]
for row, (low, high) in zip(rows, intervals):
    assert float(row['interval.low']) == low and float(row['interval.high']) == high
assert float(rows[-1]['accuracy']) == result['worst_acc']
images = list(csv.DictReader(open('r.images.csv')))
lines = [json.loads(line) for line in open('r.images.jsonl')]
assert len(images) == len(lines) == 40
for image, line in zip(images, lines):
    for key in ('index', 'label', 'clean'):
        assert int(image[key]) == line[key]
    assert image['robust'] == str(line['robust']).lower()
    assert image['fooled_by'] == (line['fooled_by'] or '')
print('the same numbers')
P
python3 compare.py

# The accuracy is some 0.7, its lower end some 0.55.
robust()
{
    "$igdef" "${eval[@]}" --quiet --min-robust "$@" 2>&1 | grep -E 'min-robust' |
        sed 's/0\.[0-9]\{4\}/0.NNNN/g'
    echo "[${PIPESTATUS[0]}]"
}
robust 0.3
robust 0.65
robust 0.65 --min-robust-by point
robust 0.99 --min-robust-by point
robust 0.99 --json
robust 0.3 --csv
