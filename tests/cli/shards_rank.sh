# shellcheck shell=bash disable=SC1091,SC2154
# A ranking divided among processes: joined, it is the file that one process writes.
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ]; then
    echo "case skipped: $data is missing (dataset-fashion-mnist)"
    return 0
fi
for file in fashion_resnet.pt fashion_clip.pt fashion_bpe.txt fashion_concepts.txt; do
    ln -s "$CASES/../data/$file" "${file#fashion_}"
done
rank=(igdef rank -m resnet.pt -d "$data" --split test --threads 1)
cdir=(--method cdir --clip clip.pt --vocab bpe.txt --concepts concepts.txt --top-k 20)
# In batches that cut parts and images differently; the whole is the same file.
divided() # NAME OPTIONS...
{
    local name=$1 k
    shift
    mkdir "$name"
    quiet "${rank[@]}" "$@" -o "$name.safetensors"
    for k in 2 0 1; do
        quiet "${rank[@]}" "$@" --batch-size $((7 + k)) --shard $k/3 -o "$name/p{shard}.safetensors"
    done
    quiet igdef rank --merge "$name" -o "joined-$name.safetensors"
    same "$name.safetensors" "joined-$name.safetensors"
}
divided class -n 100
divided all -n 60 --over all
divided plain -n 24 --plain --layer layer3
divided cdir -n 100 "${cdir[@]}"
divided cosine -n 100 "${cdir[@]:0:8}" --similarity cos-cubed
igdef rank --merge class/p{2,0,1}.safetensors -o joined-class.safetensors 2>&1 | head -n 2

# A part that is there is not made twice, another one not overwritten, nor a joined one.
run "${rank[@]}" -n 100 --shard 1/3 -o class/p1.safetensors
run "${rank[@]}" -n 100 --shard 0/3 -o class/p1.safetensors
run igdef rank --merge all -o joined-class.safetensors
run igdef rank --merge class -o resnet.pt
run igdef defend -m resnet.pt -r class/p0.safetensors -d "$data" --split test -n 2 -o x.csv

# What does not make up the whole.
mv class/p1.safetensors away.safetensors
run igdef rank --merge class -o x.safetensors
cp class/p0.safetensors class/again.safetensors
run igdef rank --merge class -o x.safetensors
rm class/again.safetensors
quiet "${rank[@]}" -n 100 --shard 1/4 -o class/p1.safetensors
run igdef rank --merge class -o x.safetensors
rm class/p1.safetensors
quiet "${rank[@]}" -n 100 --layer layer3 --shard 1/3 -o class/p1.safetensors
run igdef rank --merge class -o x.safetensors
rm class/p1.safetensors
quiet "${rank[@]}" --fraction 0.01 --seed 1 --shard 1/3 -o class/p1.safetensors
cp class.safetensors class/p1.safetensors
run igdef rank --merge class -o x.safetensors
mkdir drawn
quiet "${rank[@]}" -n 100 --fraction 0.5 --shard 0/2 -o drawn/0.safetensors
quiet "${rank[@]}" -n 100 --fraction 0.5 --seed 1 --shard 1/2 -o drawn/1.safetensors
igdef rank --merge drawn -o x.safetensors 2>&1 | sed 's/"[0-9a-f]\{64\}"/DIGEST/g'
LC_ALL=C sed 's/"layer"/"lay3r"/' away.safetensors >class/p1.safetensors
run igdef rank --merge class -o x.safetensors
mkdir empty
run igdef rank --merge empty -o x.safetensors
run igdef rank --merge class/p0.safetensors -o x.safetensors
run igdef rank --merge class -m resnet.pt -o x.safetensors
run igdef rank --merge class
run "${rank[@]}" --method random --shard 0/2 -o x.safetensors
run "${rank[@]}" --shard 0/2 --to-units units -o x.safetensors
run igdef rank -d "$data" -o x.safetensors
[ ! -e x.safetensors ] && [ ! -e units ] && echo "nothing was written"
