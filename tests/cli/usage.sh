# shellcheck shell=bash disable=SC1091,SC2154
# Wrong usage: one line that names the fault, exit code 2.
touch model.pt ranking.safetensors image.png

run igdef rnak
run igdef frobnicate
run igdef help defned
run igdef rank
run igdef rank --model model.pt --data .
run igdef rank --modle model.pt
run igdef rank --no-jsn
run igdef rank -x
run igdef rank --model
run igdef rank --model=
run igdef rank --json=yes
run igdef rank stray
run igdef rank --merge a.safetensors -o r.safetensors b.safetensors
run igdef eval stray
run igdef eval --merge a.json --quiet b.json
run igdef eval --progress . stray
run igdef analyze shift stray
run igdef rank -m model.pt -d . -o r.safetensors --method lior
run igdef rank -m model.pt -d . -o r.safetensors --method magic
run igdef rank -m model.pt -d . -o r.safetensors --method random --over all
run igdef rank -m model.pt -d . -o r.safetensors --fraction 0
run igdef rank -m model.pt -d . -o r.safetensors --fraction 3/2
run igdef rank -m model.pt -d . -o r.safetensors --fraction 1/0
run igdef rank -m model.pt -d . -o r.safetensors --fraction half
run igdef rank -m model.pt -d . -o r.safetensors --fraction nan
run igdef rank -m model.pt -d . -o r.safetensors --threads -1
run igdef rank -m model.pt -d . -o r.safetensors --batch-size 1.5
run igdef rank -m model.pt -d . -o r.safetensors -b0
run igdef rank -m model.pt -d . -o r.safetensors --count -3
run igdef rank -m model.pt -d . -o r.safetensors --seed 18446744073709551616
run igdef rank -m model.pt -d . -o r.safetensors --seed -1
run igdef rank -m model.pt -d . -o r.safetensors --mean 0.5,0.5,0.5
run igdef rank -m model.pt -d . -o r.safetensors --mean 0.5 --std 0
run igdef rank -m model.pt -d . -o r.safetensors --mean 0.5,,0.5
run igdef inspect model.pt
run igdef inspect model.pt --input 3,32
run igdef inspect model.pt --input 3,32,32.5
run igdef inspect model.pt another.pt --input 3,32,32
run igdef defend -m model.pt -r ranking.safetensors
run igdef defend -m model.pt -r ranking.safetensors --export out.pt
run igdef defend -m model.pt --defense meansparse --meansparse-data . --export out.pt
run igdef defend -m model.pt -r ranking.safetensors -d . image.png
run igdef defend -m model.pt -r ranking.safetensors image.png -o predictions.txt
run igdef defend -m model.pt -r ranking.safetensors image.png --no-smoothing --sigma 4/255
run igdef defend -m model.pt -r ranking.safetensors image.png --keep 0
run igdef defend -m model.pt -r ranking.safetensors image.png --temperature 0
run igdef defend -m model.pt -r ranking.safetensors -- --keep
ls
