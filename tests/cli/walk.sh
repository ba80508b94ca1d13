# shellcheck shell=bash disable=SC1091,SC2154
# Every option that a command shows is taken by some call of it. The calls below name a
# model that is absent, which is found out when all else was accepted: exit code 1. What is
# printed: calls that were refused, and options that no call has.
echo '{}' >empty.json
touch data.npy labels.npy ids.txt classes.txt r.safetensors other.safetensors defended.pt cat.png
common=(--threads 1 --device cpu --batch-size 2 --seed 3 --json --quiet --config empty.json)
images=(--model absent.pt --data data.npy --labels labels.npy --split test --first 0
    --count 2 --ids ids.txt --preprocess none --mean 0.1 --std 0.2
    --classes classes.txt --class-order numeric --partial --clamp-pixels --model-output 0)
threat=(--norm Linf --eps 0.1)
attacks=(--allow-nonfinite --attack apgd-ce --set apgd-ce.steps=2 --report union --draws 2
    --surrogate-temperature 2 --joint-weight 0.5 --precision ieee)
kept=(--ranking r.safetensors --keep 3 --temperature 0.1 --force)
noise=(--sigma 0.1 --smooth 2)
mask=(--defense mask --mask ranking --passes 2)
caaa=(--defense caaa --caaa-steps 1 --caaa-alpha 0.1)
hedge=(--defense hedge --hedge-steps 1 --hedge-step-size 0.1 --hedge-eps 0.1
    --no-hedge-random-start)
sparse=(--defense meansparse --meansparse-data data.npy --meansparse-split train
    --meansparse-count 2 --meansparse-layer l --meansparse-alpha 0.1)
others=("${caaa[*]}" "${hedge[*]}" "${sparse[*]}" '--defended defended.pt') # no masks
files=(-o o.json --chart c.svg)
series=("${images[@]}" "${threat[@]}" "${attacks[@]}" "${files[@]}" "${common[@]}" --restart
    --cache cache --no-checks)
clip=(--vocab vocab.txt --concepts concepts.txt --prompt '{}' --similarity cos --top-k 5
    --pool avg --image-size 224 --context-length 77)

call() # COMMAND..., as in: call "analyze sweep" OPTIONS...
{
    local command=$1 word
    shift
    # shellcheck disable=SC2086 # the words of the command
    igdef $command "$@" >/dev/null 2>message
    [ $? -eq 1 ] || { echo "igdef $command $*" && cat message; }
    for word in "$@"; do
        case $word in --?*) echo "$command $word" ;; esac
    done >>given
    case " $* " in *' -o '*) echo "$command --output" >>given ;; esac
}

with_others() # the call, once with each defense that is no mask
{
    local other
    for other in "${others[@]}"; do
        # shellcheck disable=SC2086 # options
        call "$@" $other
    done
}

call inspect "${images[@]}" "${common[@]}"
call inspect --model absent.pt --input 3,2,2 --output 0 --csv
rank=("${images[@]}" "${common[@]}" -o ranking.safetensors)
call rank "${rank[@]}" --layer l --neuron-axis 1 --fraction 0.5 --to-units units \
    --compare r.safetensors --top 3 --method loir --over class --plain --allow-nonfinite
call rank "${rank[@]}" --no-json --csv --from-units . --expect-clean 0.5
for image in '--clip clip.pt' '--clip-image i.pt --clip-text t.pt' \
    '--image-embeddings i.npy --clip-text t.pt'; do
    # shellcheck disable=SC2086 # options
    call rank "${rank[@]}" --method cdir $image "${clip[@]}" --no-cache
done
call rank "${rank[@]}" --method cdir --image-embeddings i.npy --text-embeddings t.npy
defend=("${images[@]}" "${common[@]}" -o o.csv --allow-nonfinite)
call defend "${defend[@]}" "${mask[@]}" "${kept[@]}" "${noise[@]}"
call defend "${defend[@]}" "${kept[@]}" --no-smoothing
with_others defend "${defend[@]}"
call defend --model absent.pt "${kept[@]}" --input 3,2,2 --export e.pt
call defend --model absent.pt "${kept[@]}" --images cat.png --csv
call rank --model absent.pt --data data.npy -o r.safetensors.part --shard 1/4
call rank -o r.safetensors.part --merge a.safetensors b.safetensors
eval=("${images[@]}" "${threat[@]}" "${attacks[@]}" "${common[@]}" -o o.json --state s
    --restart --cache cache --save-adversarial x.npy --expect-clean 0.5 --strict
    --no-checks --no-bounds --no-shortcuts --audit 5)
call eval "${eval[@]}" "${mask[@]}" "${kept[@]}" "${noise[@]}" --fixed-noise
call eval "${eval[@]}" "${kept[@]}" --no-smoothing
with_others eval "${eval[@]}"
call eval -m absent.pt -d data.npy --order random --budget 5img --until-width 0.1 \
    --until-difference empty.json --csv --attack fgsm --min-robust 0.5 \
    --min-robust-by low
call eval --model absent.pt --data data.npy --shard 1/4 --shard-by r.safetensors
call eval --merge a.json b.json
mkdir parts
call eval --progress parts
call report --results absent.json -o page.html --json --quiet --config empty.json
tuned=("${images[@]/test/train}" "${threat[@]}" "${attacks[@]}" "${files[@]}" "${common[@]}" --restart
    --cache cache --keeps 3 --sigmas 0.1 --temperatures 0.1 --smooth 2 --budget-clean 0.1
    --first-images 8 --fixed-noise)
call 'analyze tune' "${tuned[@]}" --layers l --rank-count 1 --method loir
call 'analyze tune' "${tuned[@]}" --no-json --csv --ranking r.safetensors --force
for image in '--clip clip.pt' '--clip-image i.pt --clip-text t.pt' \
    '--image-embeddings i.npy --clip-text t.pt'; do
    # shellcheck disable=SC2086 # options
    call 'analyze tune' "${tuned[@]}" --method cdir $image "${clip[@]}"
done
call 'analyze tune' "${tuned[@]}" --method cdir --image-embeddings i.npy --text-embeddings t.npy
call report --results absent.json -o page.html --csv
call report --results absent.json --model-info info.json --info additional_data=true
analysis=("${images[@]}" "${files[@]}" "${common[@]}")
call 'analyze radius' "${series[@]}" "${mask[@]}" "${kept[@]}" "${noise[@]}" --fixed-noise \
    --from 0.01 --halvings 3
call 'analyze radius' "${series[@]}" --no-json --csv "${kept[@]}" --no-smoothing
with_others 'analyze radius' "${series[@]}"
call 'analyze shift' "${analysis[@]}" "${threat[@]}" --attack pgd --set pgd.last=0 --top 3 \
    --target defended --mask ranking --passes 2 "${kept[@]}" "${noise[@]}"
call 'analyze shift' "${analysis[@]}" --no-json --csv "${kept[@]}" --no-smoothing --target defended
call 'analyze search-keep' "${analysis[@]}" --ranking r.safetensors --temperature 0.1 \
    "${noise[@]}" --force --budget 0.01 --bisection
call 'analyze search-keep' "${analysis[@]}" --no-json --csv --ranking r.safetensors --no-smoothing
call 'analyze landscape' "${analysis[@]}" --eps 0.1 --grid 5 "${mask[@]}" "${kept[@]}" \
    "${noise[@]}"
call 'analyze landscape' "${analysis[@]}" --no-json --csv "${kept[@]}" --no-smoothing
with_others 'analyze landscape' "${analysis[@]}"
sweep=("${series[@]}" --over steps --values '1,2')
call 'analyze sweep' "${sweep[@]}" "${mask[@]}" "${kept[@]}" "${noise[@]}" --fixed-noise
call 'analyze sweep' "${sweep[@]}" --no-json --csv "${kept[@]}" --no-smoothing
with_others 'analyze sweep' "${sweep[@]}"
probe=(--rank-data data.npy --rank-labels labels.npy --rank-split train --rank-count 4)
call 'analyze sweep' "${series[@]}" --over layer --values a,b "${probe[@]}" --method loir \
    --rank-fraction 0.5
call 'analyze sweep' "${series[@]}" --over fraction --values 0.5,1 "${probe[@]}" --layer l
for image in '--clip clip.pt' '--clip-image i.pt --clip-text t.pt' \
    '--image-embeddings i.npy --clip-text t.pt'; do
    # shellcheck disable=SC2086 # options
    call 'analyze sweep' "${series[@]}" --over layer --values a,b "${probe[@]}" \
        --method cdir $image "${clip[@]}"
done
call 'analyze sweep' "${series[@]}" --over layer --values a,b "${probe[@]}" --method cdir \
    --image-embeddings i.npy --text-embeddings t.npy
call 'analyze ablation' "${series[@]}" --no-json --csv "${kept[@]}" "${noise[@]}" --fixed-noise
rows=("${series[@]}" --rows none --cdir other.safetensors)
all=()
for other in "${others[@]}"; do
    read -ra words <<<"${other#--defense * }"
    all+=("${words[@]}")
done
call 'analyze defenses' "${rows[@]}" "${kept[@]}" "${noise[@]}" "${all[@]}" --fixed-noise
call 'analyze defenses' "${rows[@]}" --no-json --csv "${kept[@]}" --no-smoothing

parted=("${images[@]}" "${common[@]}" --ranking r.safetensors -o part.json --shard 1/4
    --shard-by r.safetensors)
for kind in 'radius' 'shift' 'sweep --over keep --values 1' 'ablation' 'defenses'; do
    # shellcheck disable=SC2086 # options
    call "analyze ${kind%% *}" ${kind#"${kind%% *}"} "${parted[@]}"
    call "analyze ${kind%% *}" --merge absent.json other.json -o joined.json
done

for command in inspect rank defend eval report 'analyze tune' 'analyze radius' 'analyze shift' 'analyze search-keep' \
    'analyze landscape' 'analyze sweep' 'analyze ablation' 'analyze defenses'; do
    # shellcheck disable=SC2086 # the words of the command
    igdef help $command | sed -nE "s/^  (    |-., )(--[a-z0-9-]+).*/$command \2/p"
done | sort -u >shown
[ "$(wc -l <shown)" -gt 400 ] && echo 'hundreds of options'
sort -u given | comm -23 shown - | sed 's/^/no call has: /'
