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
