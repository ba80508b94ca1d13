#!/bin/bash
# scripts/cluster/parallel.sh, on this host and on two that are this one under other names: parts
# that are killed or stopped go on, and joined they have the flags of one run. Exit code 77 where
# GNU parallel is missing. usage: parallel.sh IGDEF
set -u
igdef=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
script=$root/scripts/cluster/parallel.sh
data=/usr/share/datasets/fashion-mnist
skip()
{
    echo "case skipped: $*"
    exit 77
}
parallel --version 2>/dev/null | grep -q '^GNU parallel' || skip "GNU parallel is missing (parallel)"
[ -d "$data" ] || skip "$data is missing (dataset-fashion-mnist)"
unset IGDEF_SHARD SLURM_ARRAY_TASK_ID JOB_COMPLETION_INDEX OMPI_COMM_WORLD_RANK PMI_RANK PARALLEL_SEQ

work=$(mktemp -d)
running=
finish()
{
    [ -z "$running" ] || kill "$running" 2>/dev/null
    wait
    rm -rf "$work"
}
trap finish EXIT
cd "$work" || exit 1
# Parallel keeps its own files there.
export HOME=$work IGDEF=$igdef JOBS=2 THREADS=1
fail()
{
    echo "FAILED: $*"
    tail -n 5 "$work"/*.log
    exit 1
}
eval=(--model "$root/tests/data/fashion_resnet.pt" --data "$data" --eps 0.1 --attack square
    --set square.queries=500 --no-checks --count 64 --batch-size 4)
"$igdef" eval "${eval[@]}" --threads 1 -o single.json >single.log 2>&1 || fail "single run"
same_flags()
{
    cmp single.images.jsonl "$1/whole.images.jsonl" || fail "$1: other flags than those of one run"
}

# A process of part I of a folder, or nothing.
process_of() # FOLDER I
{
    local pid
    for pid in $(pgrep --full -- "eval .*-o $1/part-[{]shard[}].json"); do
        [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$igdef")" ] &&
            tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "PARALLEL_SEQ=$(($2 + 1))" && echo "$pid"
    done
}
wait_for_state() # FILE
{
    until [ -e "$1" ]; do
        kill -0 "$running" 2>/dev/null || return 1
        sleep 0.05
    done
}

# A part that is killed is tried again; joined once all are there.
"$script" 4 parts "${eval[@]}" >parts.log 2>&1 &
running=$!
wait_for_state parts/part-1.json.state || fail "part 1 has no state"
victim=$(process_of parts 1)
[ -n "$victim" ] || fail "part 1 has no process"
kill -KILL "$victim"
wait "$running" || fail "parallel.sh"
running=
grep -q "$victim" <(process_of parts 1) && fail "part 1 was not killed"
same_flags parts
# Nothing is left to be done, and nothing changes.
cp parts/whole.json before.json
"$script" 4 parts "${eval[@]}" >again.log 2>&1 || fail "the same command again"
cmp before.json parts/whole.json || fail "the joined result changed"
# Another number of parts is refused, and what is there stays.
"$script" 3 parts "${eval[@]}" >three.log 2>&1 && fail "three of four parts"
grep -q 'result of a different run' three.log || fail "three of four"
cmp before.json parts/whole.json || fail "the joined result changed"

# On two hosts, which ssh would reach; the whole is stopped, and goes on.
cat >ssh <<'S'
#!/bin/bash
# This host in the place of another. usage: ssh [OPTIONS] HOST COMMAND
while [[ $1 == -* ]]; do shift; done
echo "$1" >>"$HOME/asked"
shift
[ "${1:-}" != -- ] || shift
# As sshd does; GNU parallel's far side runs its command with it.
export SHELL=/bin/bash
exec "$SHELL" -c "$*"
S
chmod +x ssh
export PARALLEL_SSH=$work/ssh HOSTS=node1,node2 JOBS=1
"$script" 4 hosts "${eval[@]}" >hosts.log 2>&1 &
running=$!
wait_for_state hosts/part-0.json.state || fail "part 0 has no state"
process=$(process_of hosts 0)
[ -n "$process" ] || fail "part 0 has no process"
kill -INT "$(pgrep --parent "$running" --full 'parallel --will-cite')"
wait "$running" && fail "an interrupted run claims to be done"
running=
grep -q 'the same command goes on' hosts.log || fail "no word of going on"
[ -e hosts/whole.json ] && fail "joined without all parts"
while kill -0 "$process" 2>/dev/null; do sleep 0.05; done
"$script" 4 hosts "${eval[@]}" >hosts2.log 2>&1 || fail "going on"
same_flags hosts
[ "$(sort -u "$work/asked" | grep -c node)" -ge 2 ] || fail "not both hosts worked"
"$script" four parts "${eval[@]}" >four.log 2>&1 && fail "four is no number"
grep -q "'four' is no number of parts" four.log || fail "four is no number"
echo "four parts, killed, stopped, and on two hosts: the flags of one run"
