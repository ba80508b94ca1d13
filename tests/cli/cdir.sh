# shellcheck shell=bash disable=SC1091,SC2154
# CD-IR on Fashion-MNIST with the demo's CLIP: what it writes, its cache, and one line for
# each fault.
data=/usr/share/datasets/fashion-mnist
if [ ! -e "$data/t10k-images-idx3-ubyte.gz" ]; then
    echo "case skipped: $data is not there (apt-get install dataset-fashion-mnist)"
    return
fi
for file in fashion_resnet.pt fashion_clip.pt fashion_bpe.txt fashion_concepts.txt; do
    ln -s "$CASES/../data/$file" "${file#fashion_}"
done
ln -s "$CASES/../data/clip_bpe.txt" other_bpe.txt
rank="igdef rank -m resnet.pt -d $data --split test --method cdir"
clip="--clip clip.pt --vocab bpe.txt"
names="--concepts concepts.txt"

# shellcheck disable=SC2086 # words of the options above
{
    run $rank -o r.safetensors
    run $rank -o r.safetensors --clip clip.pt
    run $rank -o r.safetensors --clip clip.pt --clip-image clip.pt --vocab bpe.txt
    run $rank -o r.safetensors --clip-image clip.pt
    run $rank -o r.safetensors $clip --prompt 'a photo'
    run $rank -o r.safetensors $clip --similarity cosine
    run $rank -o r.safetensors $clip --over all
    run $rank --method loir -o r.safetensors $clip

    run $rank -n 50 -o r.safetensors $clip $names
    run $rank -n 300 -o r.safetensors --clip resnet.pt --vocab bpe.txt $names
    run $rank -n 300 -o r.safetensors --clip clip.pt --vocab concepts.txt $names
    run $rank -n 300 -o r.safetensors --clip clip.pt --vocab other_bpe.txt $names
    head -c 100000 clip.pt >half.pt
    run $rank -n 300 -o r.safetensors --clip half.pt --vocab bpe.txt $names
    head -9 concepts.txt >nine.txt
    run $rank -n 300 -o r.safetensors $clip --concepts nine.txt
    # Published lists have concepts twice: both classes get the same scores.
    (cat nine.txt; echo Trouser) >twice.txt
    $rank -n 300 -o twice.safetensors $clip --concepts twice.txt --no-cache 2>&1 >twice.out | cat
    grep Trouser twice.out | uniq -c | sed 's/^ *\([0-9]*\).*/\1 equal rows/'
    rm twice.safetensors
    : >none.txt
    run $rank -n 300 -o r.safetensors $clip --concepts none.txt
    run $rank -n 300 -o r.safetensors --clip-text clip.pt --vocab bpe.txt $names \
        --image-embeddings concepts.txt
    find . -name "*.npy" -o -name "*.safetensors"

    run $rank -n 300 -o first.safetensors $clip $names --json | grep -v sha256
    printf '%s\n' *.npy | sed 's/-[0-9a-f]*\./-FINGERPRINT./'
    run $rank -n 300 -o second.safetensors $clip $names --quiet --batch-size 17 --threads 1 |
        tail -1
    cmp first.safetensors second.safetensors && echo same
    cp clip-*.npy images.npy
    run $rank -n 300 -o third.safetensors --clip-text clip.pt --vocab bpe.txt $names \
        --image-embeddings images.npy --similarity cos --no-cache | head -2
    run $rank -n 299 -o r.safetensors --clip-text clip.pt --vocab bpe.txt $names \
        --image-embeddings images.npy
    printf '%s\n' *.npy | wc -l
}

# Names in one order here and in another there.
mkdir named
ln -s "$data"/* named/
tac concepts.txt >named/classes.txt
cp -L resnet.pt carded.pt
python3 - <<'P'
import json, zipfile
names = open("concepts.txt").read().split("\n")[:10]
with zipfile.ZipFile("carded.pt", "a") as file:
    file.writestr(file.namelist()[0].split("/")[0] + "/extra/igdef.json", json.dumps(
        {"format": "igdef.model/1", "input": [1, 28, 28], "num_classes": 10, "classes": names}))
P
# shellcheck disable=SC2086 # words of the options above
{
    run igdef rank -m resnet.pt -d named -n 300 --method cdir -o r.safetensors $clip $names -q
    run igdef rank -m carded.pt -d named -n 300 --method cdir -o r.safetensors $clip -q
    run igdef rank -m carded.pt -d "$data" -n 300 --method cdir -o r.safetensors $clip \
        --concepts named/classes.txt -q
}
