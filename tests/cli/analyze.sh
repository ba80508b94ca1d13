# shellcheck shell=bash disable=SC1091,SC2154
# Commands of two words, and wrong usage of each kind of igdef analyze.
touch model.pt ranking.safetensors

run igdef analyze landscpae
run igdef analyze frobnicate
run igdef help analyze landscpae
run igdef analyze --model model.pt
run igdef analyse landscape
run igdef analyze landscape
run igdef analyze landscape --modle model.pt
run igdef analyze landscape -m model.pt -d . --grid 4
run igdef analyze landscape -m model.pt -d . --grid 1
run igdef analyze landscape -m model.pt -d . --eps 0
run igdef analyze landscape -m model.pt -d . --keep 5
run igdef analyze landscape -m model.pt -d . -o absent/landscape.json
run igdef analyze landscape -m model.pt -d . --chart model.pt
run igdef analyze landscape -m model.pt -d . --chart a.svg -o a.svg
printf '{"grid": 4, "model": "model.pt"}' >conf.json
run igdef analyze landscape --config conf.json -d .
run igdef analyze shift -m model.pt -d .
run igdef analyze shift -m model.pt -d . -r ranking.safetensors --attack pgdd
run igdef analyze shift -m model.pt -d . -r ranking.safetensors --keep 5
run igdef analyze shift -m model.pt -d . -r ranking.safetensors --target dfended
run igdef analyze shift -m model.pt -d . -r ranking.safetensors --top 0
run igdef analyze search-keep -m model.pt -d . -r ranking.safetensors --keep 5
run igdef analyze search-keep -m model.pt -d . -r ranking.safetensors --passes 1
run igdef analyze search-keep -m model.pt -d . -r ranking.safetensors --budget 2
run igdef analyze search-keep -m model.pt -d . -r ranking.safetensors --budget all
printf '{"gird": 5}' >conf.json
run igdef analyze landscape --config conf.json -d .
ls

# An option of another command names what to use here.
run igdef analyze shift -m model.pt -d . -r ranking.safetensors -k 5
run igdef analyze search-keep -m model.pt -d . -r ranking.safetensors -k 5
run igdef analyze search-keep -m model.pt -d . -r ranking.safetensors --attack pgd
run igdef analyze landscape -m model.pt -d . --norm L2
run igdef analyze ablation -m model.pt -d . --no-smoothing
run igdef analyze defenses -m model.pt -d . --defense caaa
run igdef analyze radius -m model.pt -d . --over eps
run igdef analyze sweep -m model.pt -d . --steps 5
run igdef rank -m model.pt -d . -k 5
run igdef defend -m model.pt --attack pgd
run igdef eval -m model.pt -d . --over keep
run igdef inspect model.pt -l layer4
run igdef report -o page.html --chart a.svg model.pt
