#!/bin/bash
# scripts/cluster/igdef.sbatch on a one-node Slurm of its own: an array of four parts, one of them
# killed and one preempted, both put back into the queue; joined, they have the flags of one run.
# Exit code 77 where Slurm or root are missing. usage: slurm.sh IGDEF
set -u
igdef=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
data=/usr/share/datasets/fashion-mnist
skip()
{
    echo "case skipped: $*"
    exit 77
}
[ "$(id -u)" -eq 0 ] || skip "starting Slurm needs root"
for tool in slurmctld slurmd sbatch munged munge; do
    command -v "$tool" >/dev/null || skip "$tool is missing (slurm-wlm, munge)"
done
[ -d /sys/fs/cgroup ] || skip "/sys/fs/cgroup is missing"
[ -d "$data" ] || skip "$data is missing (dataset-fashion-mnist)"

work=$(mktemp -d)
export SLURM_CONF=$work/etc/slurm.conf
processes=()
finish()
{
    [ -z "${job:-}" ] || scancel --full "$job" 2>/dev/null
    for pid in "${processes[@]}"; do
        kill "$pid" 2>/dev/null
    done
    wait 2>/dev/null
    # Steps that were still running wait for a controller that is gone.
    for pid in $(pgrep --exact slurmstepd); do
        if tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "SLURM_CONF=$SLURM_CONF"; then
            kill -KILL "$pid"
        fi
    done 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
fail()
{
    echo "FAILED: $*"
    squeue --all
    tail -n 5 "$work"/*.log
    exit 1
}

# Everything of this Slurm lies in $work, and its ports are free ones.
mkdir -p "$work"/{etc,state,spool,munge,parts}
chmod 755 "$work"
host=$(hostname -s)
read -r ctld slurmd < <(python3 -c '
import socket
s = [socket.socket() for _ in range(2)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*(x.getsockname()[1] for x in s))')
dd if=/dev/urandom of="$work/munge/key" bs=1024 count=1 2>/dev/null
chmod 400 "$work/munge/key"
cat >"$SLURM_CONF" <<C
ClusterName=igdef
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket,cred_expire=10
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
JobRequeue=1
MinJobAge=3600
KillWait=60
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPort=$ctld
SlurmdPort=$slurmd
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
C
echo "CgroupPlugin=autodetect" >"$work/etc/cgroup.conf"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --seed-file="$work/munge/seed" >"$work/munged.log" 2>&1 &
processes+=($!)
slurmctld -D >"$work/ctld.log" 2>&1 &
processes+=($!)
sleep 2
slurmd -D >"$work/slurmd.out.log" 2>&1 &
processes+=($!)

until_true() # SECONDS COMMAND...
{
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}
node_is_idle()
{
    sinfo --noheader --format=%T 2>/dev/null | grep -q idle
}
until_true 30 node_is_idle || skip "Slurm does not start here: $(tail -n 1 "$work/slurmctld.log")"

cd "$work" || exit 1
eval=(--model "$root/tests/data/fashion_resnet.pt" --data "$data" --eps 0.1 --attack
    "square,pgd" --set "square.queries=1000,pgd.steps=10" --no-checks --count 160 --threads 1
    --batch-size 4)
job=$(IGDEF=$igdef sbatch --parsable --array=0-3 --time=60 "$root/scripts/cluster/igdef.sbatch" \
    "$work/parts" "${eval[@]}") || fail "sbatch"
has_state()
{
    [ -e "$work/parts/part-$1.json.state" ]
}

# One is killed without a word, as by a host without memory.
until_true 120 has_state 1 || fail "part 1 has no state"
kill_part()
{
    local pid
    for pid in $(pgrep --full -- "-o $work/parts/part-[{]shard[}].json"); do
        if tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "SLURM_ARRAY_TASK_ID=$1"; then
            kill -KILL "$pid" && return
        fi
    done
    return 1
}
kill_part 1 || fail "nothing to kill"
# One is preempted: Slurm's SIGTERM to its batch shell.
until_true 120 has_state 0 || fail "part 0 has no state"
timeout 10 scancel --signal=TERM --batch "${job}_0" 2>/dev/null # whether it came is seen below
was_cut_off()
{
    grep -q 'was cut off and goes back' "$work/igdef-${job}_$1.log"
}
until_true 60 was_cut_off 0 || fail "part 0 was not cut off"
was_killed()
{
    grep -q 'was killed and goes back' "$work/igdef-${job}_$1.log"
}
until_true 60 was_killed 1 || fail "part 1 was not put back"

merged()
{
    [ -e "$work/parts/whole.json" ]
}
until_true 400 merged || fail "the parts were not joined"
restarts=$(scontrol show job "${job}_0" | sed -n 's/.*Restarts=\([0-9]*\).*/\1/p')
[ "$restarts" -ge 1 ] || fail "part 0 was not put back into the queue"
restarts=$(scontrol show job "${job}_1" | sed -n 's/.*Restarts=\([0-9]*\).*/\1/p')
[ "$restarts" -ge 1 ] || fail "part 1 was not put back into the queue"
"$igdef" eval "${eval[@]}" -o "$work/single.json" --quiet >"$work/single.log" || fail "single run"
cmp "$work/single.images.jsonl" "$work/parts/whole.images.jsonl" ||
    fail "the joined flags are not those of one run"
"$igdef" report "$work/parts/whole.json" -o "$work/report.html" >/dev/null || fail "report"
grep -q '</html>' "$work/report.html" || fail "report"
echo "four parts, one preempted and one killed: the flags of one run"
