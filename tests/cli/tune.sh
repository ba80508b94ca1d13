# shellcheck shell=bash disable=SC1091,SC2154
# igdef analyze tune refuses what makes no sense before any work, and leaves nothing behind.
touch model.pt r.safetensors
mkdir d
run igdef analyze tune -m model.pt
run igdef analyze tune -m model.pt -d d
run igdef analyze tune -m model.pt -d d -o t.json --split test
run igdef analyze tune -m model.pt -d d -o t.json --layers a,,b
run igdef analyze tune -m model.pt -d d -o t.json --keeps 0
run igdef analyze tune -m model.pt -d d -o t.json --keeps 2.5
run igdef analyze tune -m model.pt -d d -o t.json --keeps 5,5
run igdef analyze tune -m model.pt -d d -o t.json --sigmas 0,-1
run igdef analyze tune -m model.pt -d d -o t.json --sigmas all
run igdef analyze tune -m model.pt -d d -o t.json --temperatures 0
run igdef analyze tune -m model.pt -d d -o t.json --budget-clean 2
run igdef analyze tune -m model.pt -d d -o t.json --first-images 3
run igdef analyze tune -m model.pt -d d -o t.json --attack clean
run igdef analyze tune -m model.pt -d d -o t.json --attack apgd-c
run igdef analyze tune -m model.pt -d d -o t.json --report per-attack
run igdef analyze tune -m model.pt -d d -r r.safetensors --layers l
run igdef analyze tune -m model.pt -d d -r r.safetensors --rank-count 5
run igdef analyze tune -m model.pt -d d -o t.json --force
run igdef analyze tune -m model.pt -d d -o t.json --vocab v
run igdef analyze tune -m model.pt -d d -r r.safetensors --keep 5
run igdef analyze tune -m model.pt -d d -r r.safetensors
run igdef analyze tune -m model.pt -d d -r r.safetensors --restart
ls -A
