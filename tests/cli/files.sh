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
# What fails later, in the plugin, leaves an existing output as it was.
run igdef rank -m model.pt -d . -o kept.safetensors
cat kept.safetensors
ls -A

# TorchScript files that are none, cut short, or damaged in one byte.
cp "$CASES/../data/fashion_resnet.pt" demo.pt
head -c 20000 demo.pt >short.pt
cp demo.pt flipped.pt
chmod u+w flipped.pt
printf '\377' | dd of=flipped.pt bs=1 seek=100000 conv=notrunc status=none
mkdir folder.pt
run igdef inspect model.pt --input 1,28,28
run igdef inspect short.pt --input 1,28,28
run igdef inspect flipped.pt --input 1,28,28
run igdef inspect folder.pt --input 1,28,28
run igdef inspect demo.pt --input 3,28,28
run igdef inspect demo.pt --input 1,28,28 --device cuda:99
run igdef inspect demo.pt --input 1,28,28 --device tpu
