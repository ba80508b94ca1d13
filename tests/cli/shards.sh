# shellcheck shell=bash disable=SC1091,SC2154
# A run divided among processes: what schedulers say, what is joined, what is refused.
unset IGDEF_SHARD SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_COUNT SLURM_ARRAY_TASK_MIN \
    SLURM_ARRAY_TASK_STEP JOB_COMPLETION_INDEX JOB_COMPLETIONS OMPI_COMM_WORLD_RANK \
    OMPI_COMM_WORLD_SIZE PMI_RANK PMI_SIZE PARALLEL_SEQ
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi
wrong() # VARIABLE=VALUE... -- TEXT: what --shard TEXT says
{
    local words=()
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    echo "${words[*]} --shard $2"
    env "${words[@]}" "$igdef" eval -m demo.pt -d "$data" --shard "$2" -o x.json
    echo "[$?]"
}
for text in 4/4 -1/4 1 1/ /4 1/0 1/4x a/b 0/99999999999999999 auto auto/0 auto/x; do
    wrong A=b -- "$text"
done
wrong IGDEF_SHARD=2 -- auto
wrong IGDEF_SHARD=2/2 -- auto
wrong IGDEF_SHARD=1/2 -- auto/3
wrong SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=4 -- auto
wrong SLURM_ARRAY_TASK_ID=1 -- auto
wrong SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 -- auto
wrong SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 \
    SLURM_ARRAY_TASK_STEP=2 -- auto
wrong JOB_COMPLETION_INDEX=1 -- auto
wrong PARALLEL_SEQ=1 -- auto
run igdef eval -m demo.pt -d "$data" -n 3 --shard 0/4
run igdef eval -m demo.pt -d "$data" -o '{shard}.json'
run igdef eval -m demo.pt -d "$data" --shard 0/2 --expect-clean 0.8
run igdef eval -m demo.pt -d "$data" --shard-by demo.pt
ls

part() # VARIABLE=VALUE... TEXT: the part that --shard TEXT takes
{
    env "${@:1:$#-1}" "$igdef" eval -m demo.pt -d "$data" -n 12 --shard "${*: -1}" \
        2>&1 >/dev/null | grep -v 'without --output'
}
part IGDEF_SHARD=2/3 SLURM_ARRAY_TASK_ID=7 auto
part SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=3 \
    SLURM_ARRAY_TASK_STEP=2 JOB_COMPLETION_INDEX=1 JOB_COMPLETIONS=2 auto
part SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=2 auto/3
part JOB_COMPLETION_INDEX=1 JOB_COMPLETIONS=4 OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 auto
part OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 PMI_RANK=1 PMI_SIZE=3 auto
part PMI_RANK=1 PMI_SIZE=3 PARALLEL_SEQ=1 auto
part PARALLEL_SEQ=4 auto/4
part IGDEF_SHARD= A=b 3/4

eval=(igdef eval -m demo.pt -d "$data" --eps 0.1 --attack 'pgd,apgd-ce' --no-checks
    --set 'pgd.steps=5,apgd-ce.steps=10' --first 7 -n 23)
quiet "${eval[@]}" -o whole.json
mkdir parts
for k in 3 1 0 2; do
    quiet "${eval[@]}" --shard $k/4 -o 'parts/p{shard}.json'
done
ls parts
quiet igdef eval --merge parts -o joined.json
same whole.images.jsonl joined.images.jsonl
# Joining once more changes nothing, in the same folder too.
cp joined.json before.json
{ igdef eval --merge parts -o joined.json >/dev/null; } 2>&1
{ igdef eval --merge parts/p{3,1,0,2}.json -o joined.json >/dev/null; } 2>&1
same joined.json before.json
quiet igdef eval --merge parts -o parts/joined.json
quiet igdef eval --merge parts -o parts/joined.json
same parts/joined.json joined.json
rm parts/joined.*
# What is there is not overwritten, neither by parts nor by another whole.
quiet igdef eval -m demo.pt -d "$data" -n 4 -o other.json
run igdef eval --merge parts -o other.json
echo '{"notes": 1}' >notes.json
run igdef eval --merge parts -o notes.json
cat notes.json
quiet igdef eval --merge parts -o other.json --restart
same other.json joined.json
"${eval[@]}" --shard 1/4 -o parts/p0.json 2>&1 | grep -v 'as told\|: part 1'

# In random order, too.
random=(igdef eval -m demo.pt -d "$data" --eps 0.1 --attack pgd --set pgd.steps=5 --no-checks
    -n 12 --order random)
quiet "${random[@]}" -o random.json
mkdir random
for k in 1 0; do
    quiet "${random[@]}" --shard $k/2 -o 'random/p{shard}.json'
done
quiet igdef eval --merge random -o joined-random.json
same random.images.jsonl joined-random.images.jsonl
rm -r random random.* joined-random.*

# What does not make up the whole.
mv parts/p2.json away.json
mv parts/p2.images.jsonl away.images.jsonl
run igdef eval --merge parts -o x.json
touch parts/p2.json.state
run igdef eval --merge parts -o x.json
rm parts/p2.json.state
mv parts/p1.json hidden.json
run igdef eval --merge parts -o x.json
mv hidden.json parts/p1.json
cp away.json parts/p2.json
cp away.images.jsonl parts/p2.images.jsonl
cp away.json parts/again.json
cp away.images.jsonl parts/again.images.jsonl
run igdef eval --merge parts -o x.json
rm parts/again.*
quiet "${eval[@]}" --shard 1/3 -o parts/p1of3.json
run igdef eval --merge parts -o x.json
rm parts/p1of3.*
quiet "${eval[@]}" --shard 1/4 --seed 1 -o parts/p1.json --restart
run igdef eval --merge parts -o x.json
rm parts/p1.*
echo '{"notes": 1}' >parts/notes.json
run igdef eval --merge parts -o x.json
mkdir empty
run igdef eval --merge empty -o x.json
run igdef eval --merge nowhere -o x.json
run igdef eval --merge parts/p0.json -o x.json
run igdef eval --merge parts --attack pgd -o x.json
ls

# Parts of equal cost by a clean result: fewer images where more are right.
quiet igdef eval -m demo.pt -d "$data" -n 60 -o clean.json
mkdir cost
for k in 0 1 2; do
    quiet igdef eval -m demo.pt -d "$data" -n 60 --shard $k/3 --shard-by clean.json \
        -o "cost/part-{shard}.json"
    grep -c '"robust":true' "cost/part-$k.images.jsonl"
done
quiet igdef eval --merge cost --expect-clean 0.1
quiet igdef eval --merge cost -o cost.json
same cost.images.jsonl clean.images.jsonl
quiet igdef eval -m demo.pt -d "$data" -n 61 --shard 0/3 --shard-by clean.json
