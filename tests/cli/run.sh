#!/bin/bash
# Runs one case of the command line's tests and compares what it prints with NAME.out:
# NAME.sh in an empty folder, or `igdef help X` where NAME is help_X.
# usage: run.sh IGDEF NAME       UPDATE=1 run.sh IGDEF NAME writes NAME.out
set -u
igdef=$1 name=$2
cases=$(cd "$(dirname "$0")" && pwd)
export CASES=$cases
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# A user's settings and devices must not change what is printed.
unset NO_COLOR
export LC_ALL=C TERM=dumb CUDA_VISIBLE_DEVICES=
# Newer PyTorchs warn of TorchScript itself.
export PYTHONWARNINGS=ignore::DeprecationWarning,ignore::FutureWarning

igdef()
{
    "$igdef" "$@"
}

# Runs a command whose output differs between machines: prints how it failed, if it did.
quiet()
{
    "$@" >out.txt 2>err.txt || { echo "[$?]"; cat err.txt; }
}

# Debian's Python, which python3-torch belongs to; says where that has no PyTorch.
python=/usr/bin/python3
has_torch()
{
    "$python" -c 'import torch' 2>/dev/null && return
    echo "case skipped: no PyTorch for python3 (python3-torch)"
    return 1
}

# Says that two files are the same, or where they differ.
same()
{
    cmp "$1" "$2" && echo "$1 and $2 are the same"
}

# Prints the command, what it writes to both streams, and its exit code.
run()
{
    local code
    printf '$ %s\n' "$*"
    "$@" 2>&1 </dev/null
    code=$?
    printf '[%d]\n' "$code"
}

# Waits for a file of a command in the background, unless that ends without having made it.
# usage: wait_for FILE PROCESS
wait_for()
{
    until [ -e "$1" ] || ! kill -0 "$2" 2>/dev/null; do
        sleep 0.02
    done
}

case $name in
help_*)
    IFS=_ read -ra words <<<"${name#help_}" # help_X_Y is igdef help X Y
    actual=$(igdef help "${words[@]}" 2>&1) ;;
*) # shellcheck source=/dev/null
    actual=$(. "$cases/$name.sh" 2>&1) || {
        printf '%s\n' "$actual"
        exit 1
    } ;;
esac
actual=${actual//"$igdef"/igdef} # in commands that are printed to be run
if [ -n "${UPDATE:-}" ]; then
    printf '%s\n' "$actual" >"$cases/$name.out"
    exit 0
fi
case $actual in *'case skipped: '*)
    printf '%s\n' "$actual"
    exit 77 ;;
esac
diff -u "$cases/$name.out" <(printf '%s\n' "$actual")
