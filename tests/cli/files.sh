# shellcheck shell=bash disable=SC1091,SC2154
# Files are looked at before any work: one line with the path, exit code 1, nothing left.
touch model.pt
echo precious >kept.safetensors

run igdef rank -m absent.pt -d . -o r.safetensors
run igdef rank -m model.pt -d absent -o r.safetensors
run igdef rank -m model.pt -d . -o absent/r.safetensors
run igdef rank -m model.pt -d . -o .
run igdef rank -m model.pt -d . -o model.pt
run igdef rank -m model.pt -d . -o ./model.pt
run igdef rank -m model.pt -d . -o r.safetensors --to-units model.pt
run igdef rank -m model.pt -d . -o r.safetensors --from-units absent
run igdef defend -m model.pt -r absent.safetensors -d .
run igdef defend -m model.pt -r kept.safetensors a.png
# What fails later, in the engine, leaves an existing output as it was.
run igdef rank -m model.pt -d . -o kept.safetensors
cat kept.safetensors
ls -A
