#!/bin/sh
# The programs in README's "From C", each from its own text: they compile without a warning
# and do what they say.
# usage: test_readme.sh SOURCE_FOLDER BUILD_FOLDER
set -eu
source=$1 build=$2
data=/usr/share/datasets/fashion-mnist
[ -d "$data" ] || { echo "skipped: no $data"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail()
{
    echo "test_readme: $*" >&2
    exit 1
}

# Writes the blocks whose first line is "// NAME.c".
awk '/^```/ { if (name) close(name); name = ""; wait = $0 == "```c"; next }
    wait && /^\/\/ [a-z]+\.c$/ { name = $2 }
    { wait = 0 }
    name { print > name }' "$source/README.md"
for name in predict attack evaluate server; do
    [ -s "$name.c" ] || fail "README has no $name.c"
    cc -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -I"$source/include" \
        "$name.c" -L"$build" -ligdef -Wl,-rpath,"$build" -lpthread -o "$name"
done
[ "$(find . -name '*.c' | wc -l)" -eq 4 ] || fail "README has other programs"

cp "$source/tests/data/fashion_resnet.pt" .
"$build/igdef" rank --model fashion_resnet.pt --data "$data" --count 500 --quiet \
    -o loir.safetensors >/dev/null

expect() # PATTERN COMMAND...
{
    pattern=$1
    shift
    "$@" >output 2>errors || fail "$*: $(tail -1 errors)"
    grep -qE "$pattern" output || fail "$*: '$(cat output)' is not '$pattern'"
}

expect '^logit of class 0: -?[0-9.e+-]+, both passes agree in [0-9]+ % of the draws$' ./predict
expect '^fooled: 0\.4 0\.4 0\.6 0\.6$' ./attack
expect '^80 requests served$' ./server
# Interrupted as soon as the first attack has done something, then to its end; and alone.
./evaluate >output 2>errors &
pid=$!
while kill -0 $pid 2>/dev/null && ! grep -q apgd errors; do sleep 0.05; done
kill -INT $pid 2>/dev/null || true
status=0
wait $pid || status=$?
[ $status -eq 130 ] || fail "interrupted: exit $status: $(tail -1 errors)"
[ -s result.json.state ] || fail "interrupted: no state"
expect '^clean 0\.[0-9]+, robust 0\.[0-9]+$' ./evaluate
mv output resumed
mv result.images.jsonl resumed.jsonl
rm -f result.json*
expect '^clean' ./evaluate
cmp resumed output
cmp resumed.jsonl result.images.jsonl
echo "4 programs"
