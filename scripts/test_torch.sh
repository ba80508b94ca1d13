#!/bin/sh
# Builds and tests igdef beside pip's PyTorch, in a virtual environment of the build folder.
# usage: test_torch.sh cpu    the newest CPU build: every test but those of schedulers
#        test_torch.sh cuda   the newest CUDA build, without its toolkit: build, link and run on the CPU
# Exit code 77 where pip cannot get that build here.
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh
kind=${1:?cpu or cuda}
case $kind in
cpu) torch=$(sed -n 's/^pip-cpu //p' cmake/libtorch-versions.txt) ;;
cuda) torch=$(sed -n 's/^pip-cuda //p' cmake/libtorch-versions.txt) ;;
*)
    echo "test_torch: cpu or cuda, not '$kind'" >&2
    exit 2
    ;;
esac
here=$PWD/build/torch-$kind
venv=$here/venv
mkdir -p "$here"
if [ ! -x "$venv/bin/python3" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet "torch==$torch" numpy || {
    echo "skipped: pip gets no torch==$torch here"
    exit 77
}
# The toolkit's folder, where there is one, is left out: nothing may ask for it.
PATH=$(printf '%s' "$PATH" | tr : '\n' | grep -v cuda | paste -sd :)
PATH=$venv/bin:$PATH
export PATH

if [ "$kind" = cpu ]; then
    IGDEF_TORCH=python build "$here/build" -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=ON \
        -DIGDEF_WERROR=ON
    # The schedulers' tests are the same beside every libtorch.
    ctest --test-dir "$here/build" --output-on-failure --parallel "$(nproc)" -E '^cluster_'
    exit
fi

IGDEF_TORCH=python build "$here/build" -DCMAKE_BUILD_TYPE=Release -DIGDEF_TESTS=OFF \
    -DIGDEF_WERROR=ON
igdef=$here/build/igdef
passed=0
# usage: expect TEXT EXIT_CODE COMMAND...
expect()
{
    text=$1 code=$2 got=0
    shift 2
    output=$("$@" 2>&1) || got=$?
    case $output in
    *"$text"*) ;;
    *) got="$got without '$text'" ;;
    esac
    if [ "$got" != "$code" ]; then
        printf '%s\ntest_torch: %s: exit %s, not %s\n' "$output" "$*" "$got" "$code" >&2
        exit 1
    fi
    passed=$((passed + 1))
}
model=tests/data/fashion_resnet.pt
data=/usr/share/datasets/fashion-mnist
expect "libtorch $torch" 0 "$igdef" --version
expect "CUDA: 1" 0 "$igdef" --version
expect penultimate 0 "$igdef" inspect "$model" --input 1,28,28
expect "apgd-ce" 0 "$igdef" eval --model "$model" --data "$data" --count 16 --eps 0.1 \
    --attack apgd-ce --set apgd-ce.steps=5 --quiet
if [ ! -e /dev/nvidia0 ]; then
    expect "cuda" 1 "$igdef" eval --model "$model" --data "$data" --count 16 --eps 0.1 \
        --attack apgd-ce --device cuda --quiet
    [ "$(printf '%s\n' "$output" | wc -l)" = 1 ] || {
        printf '%s\ntest_torch: more than one line\n' "$output" >&2
        exit 1
    }
fi
echo "100% tests passed, 0 tests failed out of $passed"
