# shellcheck shell=bash disable=SC1091,SC2154
# --config: every option is a key; what is wrong is named with file and key.
touch model.pt
with() # JSON OPTIONS...
{
    printf '%s' "$1" >conf.json
    printf '%s\n' "$1"
    shift
    run igdef rank --config conf.json "$@"
}

with '{"modle": "model.pt"}'
with '{"frobnicate": 1}'
with '{"model": 3}'
with '{"model": ""}'
with '{"threads": "2"}'
with '{"threads": 2.5}'
with '{"batch-size": 0}'
with '{"seed": 1e300}'
with '{"seed": 9007199254740994}'
with '{"seed": "18446744073709551616"}'
with '{"fraction": "1/0"}'
with '{"fraction": true}'
with '{"json": 1}'
with '{"mean": 0.5}'
with '{"mean": ["0.5"]}'
with '{"std": [0.5, -1]}'
with '{"method": "lior"}'
with '{"config": "other.json"}'
with '[1, 2]'
with '{"model": '
with '{"model": "model.pt", "model": "model.pt"}'
# The command line wins, and may stand before --config: only --output is missing.
with '{"model": "absent.pt", "data": "absent", "seed": "7"}' --model model.pt -d . --seed=1
printf '{"model": "model.pt", "data": "absent", "output": "r.safetensors"}' >conf.json
run igdef rank --data=. --config=conf.json --fraction 2
run igdef rank --config conf.json
run igdef rank --config absent.json
run igdef rank --config .
ls
