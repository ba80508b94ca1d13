# shellcheck shell=bash disable=SC1091,SC2154
# Rankings of the demo model: a share of the probe images, a comparison, another axis.
data=/usr/share/datasets/fashion-mnist
if [ ! -e "$data/t10k-images-idx3-ubyte.gz" ]; then
    echo "case skipped: $data is not there (apt-get install dataset-fashion-mnist)"
    return
fi
for file in fashion_resnet.pt fashion_clip.pt fashion_bpe.txt fashion_concepts.txt; do
    ln -s "$CASES/../data/$file" "${file#fashion_}"
done
rank="igdef rank -m resnet.pt -d $data --split test"
cdir="--method cdir --clip clip.pt --vocab bpe.txt --concepts concepts.txt"

# shellcheck disable=SC2086 # words of the options above
{
    run $rank -n 400 --fraction 0.5 $cdir -o half.safetensors --json | grep num_images
    run $rank -n 400 --fraction 0.5 $cdir -o again.safetensors --quiet >/dev/null
    cmp half.safetensors again.safetensors && echo same
    run $rank -n 400 --fraction 0.5 $cdir -o other.safetensors --seed 1 --quiet >/dev/null
    cmp -s half.safetensors other.safetensors || echo "another seed draws other images"
    run $rank -n 400 $cdir -o whole.safetensors --compare half.safetensors --top 20 |
        grep -c 'shares .* of the 20 most important neurons'
    run $rank -n 400 --fraction 0.5 $cdir -o again.safetensors --compare half.safetensors \
        --json --top 20 | grep -E '"(common|top)"'
    run $rank -n 400 $cdir -o whole.safetensors --compare whole.safetensors
    run $rank -n 400 --method random -o random.safetensors --compare absent.safetensors
    run $rank -n 400 --layer layer2 -o layer2.safetensors --quiet | grep neurons
    run $rank -n 400 --method random -o r.safetensors --compare layer2.safetensors
    run $rank -n 400 --fraction 1.5 -o r.safetensors
    run $rank -n 400 --fraction 0.001 -o r.safetensors

    run $rank -n 400 --layer layer2 --neuron-axis 3 -o axis.safetensors | grep neurons
    run $rank -n 400 --layer layer2 --neuron-axis 9 -o r.safetensors
    run $rank -n 400 --layer layer2 --neuron-axis 0 -o r.safetensors
    run igdef defend -m resnet.pt -r axis.safetensors -d $data --split test -n 20 --keep 5 \
        --no-smoothing -o p.csv --quiet
    wc -l <p.csv

    # Beside a failure nothing is said of a digest that is not there.
    LC_ALL=C sed 's/"sha256"/"none25"/' axis.safetensors >old.safetensors
    run igdef defend -m resnet.pt -r old.safetensors --keep 5 --no-smoothing --export /dev/full
    run igdef defend -m resnet.pt -r old.safetensors --keep 5 --no-smoothing --export d.pt
}
