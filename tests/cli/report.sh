# shellcheck shell=bash disable=SC1091,SC2154
# igdef report on the sample files: a page, and what is refused.
samples=$CASES/../report
cp "$samples"/*.json "$samples"/*.jsonl .

run igdef report base.json loir.json random.json sweep.json landscape.json -o report.html
grep -c '<section' report.html
run igdef report loir.json --json -o alone.html
run igdef report base.json --quiet -o alone.html
run igdef report base.json -o base.json
run igdef report base.json
run igdef report -o report.html
run igdef report base.json base.json -o twice.html
run igdef report base.json missing.json -o twice.html
sed 's/"norm":.*/"norm": "L2",/' loir.json >other.json
run igdef report base.json other.json -o other.html
sed 's/"split":.*/"split": "train",/' base.json >train.json
run igdef report base.json train.json -o other.html
head -c 1000 base.json >cut.json
run igdef report cut.json -o cut.html
: >empty.json
run igdef report empty.json -o cut.html
sed 's#igdef.result/1#igdef.result/2#' base.json >newer.json
run igdef report newer.json -o cut.html
head -n 3 loir.images.jsonl >short.images.jsonl
cp loir.json short.json
run igdef report short.json -o cut.html
run igdef report base.json -o no/such/folder.html
ls ./*.html
