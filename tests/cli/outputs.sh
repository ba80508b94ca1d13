# shellcheck shell=bash disable=SC1091,SC2154
# Everything that will be written is looked at before any work: it can be written, and is
# no other output and no input.
touch model.pt
mkdir data folder.images.jsonl
ln -s r.json alias.json
eval=(igdef eval -m model.pt -d data)

run "${eval[@]}" -o a --state a
run "${eval[@]}" -o a --save-adversarial ./a
run "${eval[@]}" -o r.json --save-adversarial r.images.jsonl
run "${eval[@]}" -o r.json --save-adversarial "$PWD/r.json.state" | sed "s:$PWD:PWD:g"
run "${eval[@]}" -o r.json --save-adversarial data/../r.json.state.flight
run "${eval[@]}" -o r.json --save-adversarial data/../r.json.state.checkpoint
run "${eval[@]}" -o r.json --state s --save-adversarial s.checkpoint
run "${eval[@]}" -o r.json --state alias.json
run "${eval[@]}" -o x.npy.part --save-adversarial x.npy
run "${eval[@]}" -o a --cache ./a
run "${eval[@]}" -o a --cache model.pt/a
run "${eval[@]}" -o folder.json
run "${eval[@]}" -o folder.images.jsonl
run "${eval[@]}" -o model.json --state model.pt
run "${eval[@]}" -o absent/r.json
run "${eval[@]}" -o /dev/null
mkfifo pipe
run "${eval[@]}" --save-adversarial pipe
rm pipe
long=$(printf 'n%.0s' $(seq 240))
run "${eval[@]}" -o "$long.json" | sed "s/n\{240\}/NAME/g"
run igdef defend -m model.pt --defense caaa -d data --export d.csv -o d.csv
run igdef analyze shift -m model.pt -d data -r model.pt -o s.svg --chart s.svg
ls -A
