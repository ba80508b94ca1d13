# shellcheck shell=bash disable=SC1091,SC2154
# Without a command, and with the ones that need no model.
run igdef help
igdef >/dev/null 2>usage.txt
echo "[$?]"
igdef --version | sed 's/^igdef [0-9.]*$/igdef VERSION/; s/^libtorch [0-9.]*, .*libtorch_cpu.*/libtorch VERSION, FILE/
    s/^BLAS: ..*/BLAS: NAME/; s/^CUDA: ..*/CUDA: VERSION/; s/^devices: cpu.*/devices: cpu/'
igdef --help | cmp - <(igdef help) && igdef rank -h | cmp - <(igdef help rank) && cmp usage.txt <(igdef help) && echo same
# No libtorch in the process: it takes half a second to load.
ldd "$igdef" | grep -c torch
# A full disk is a failure, not a short result.
igdef help >/dev/full
echo "[$?]"
