#!/bin/bash
# One evaluation as N processes under GNU parallel, on this host or on several, joined at the end.
#   scripts/cluster/parallel.sh N FOLDER OPTIONS-OF-IGDEF-EVAL...
# JOBS is how many run at a time on each host (default: one per two processors), THREADS how many
# each takes, HOSTS a list such as node1,node2 of hosts reached by ssh, which see the working folder
# under the same name. A part that fails is tried once more, elsewhere where there are several
# hosts; after an interruption the same command goes on. IGDEF names the command.
set -eu
usage='usage: parallel.sh N FOLDER OPTIONS...'
parts=${1:?$usage}
folder=${2:?$usage}
shift 2
case $parts in *[!0-9]* | 0)
    echo "parallel.sh: '$parts' is no number of parts" >&2
    exit 2 ;;
esac
processors=$(nproc)
jobs=${JOBS:-$(((processors + 1) / 2))}
threads=${THREADS:-$(((processors + jobs - 1) / jobs))}
command=$(printf ' %q' "${IGDEF:-igdef}" eval "$@" --threads "$threads" --shard "auto/$parts" \
    --cache "$folder/cache" -o "$folder/part-{shard}.json")
hosts=()
[ -z "${HOSTS:-}" ] || hosts=(--sshlogin "$HOSTS" --workdir "$PWD")
mkdir -p "$folder"

# --shard auto/N knows the number of a part from PARALLEL_SEQ. One that is to stop gets ten seconds
# to save its state.
seq "$parts" | parallel --will-cite --jobs "$jobs" --retries 2 --line-buffer \
    --termseq TERM,10000,KILL,25 ${hosts[@]+"${hosts[@]}"} "env PARALLEL_SEQ={#}$command" || {
    echo "parallel.sh: not every part was finished; the same command goes on" >&2
    exit 1
}
exec "${IGDEF:-igdef}" eval --merge "$folder" -o "$folder/whole.json"
