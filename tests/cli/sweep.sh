# shellcheck shell=bash disable=SC1091,SC2154
# igdef analyze sweep, ablation, defenses and radius refuse what makes no sense before any work, and
# leave nothing behind.
touch model.pt r.safetensors
mkdir d
sweep=(igdef analyze sweep -m model.pt -d d)

run igdef analyze swep
run igdef analyze sweep
run "${sweep[@]}"
run "${sweep[@]}" --over keep
run "${sweep[@]}" --over kepe --values 1 -r r.safetensors
run "${sweep[@]}" --over keep --values 1,2
run "${sweep[@]}" --over keep --values 0,5 -r r.safetensors
run "${sweep[@]}" --over keep --values 5,,6 -r r.safetensors
run "${sweep[@]}" --over keep --values 5,x -r r.safetensors
run "${sweep[@]}" --over keep --values 5,5 -r r.safetensors
run "${sweep[@]}" --over keep --values 5,6 -r r.safetensors --keep 7
run "${sweep[@]}" --over sigma --values 4/255,-1 -r r.safetensors
run "${sweep[@]}" --over temperature --values 0 -r r.safetensors
run "${sweep[@]}" --over smooth --values 1.5 -r r.safetensors
run "${sweep[@]}" --over eps --values 4/255,8 --attack fgsm
run "${sweep[@]}" --over eps --values 4/255 --eps 1/255 --attack fgsm
run "${sweep[@]}" --over steps --values 5,10 --attack square
run "${sweep[@]}" --over pgd.steps --values 5,0 --attack pgd
run "${sweep[@]}" --over pgd.stesp --values 5 --attack pgd
run "${sweep[@]}" --over set:square.queries --values 5 --attack pgd
run "${sweep[@]}" --over keep --values 5 -r r.safetensors --attack pdg
run "${sweep[@]}" --over layer --values layer1,layer2
run "${sweep[@]}" --over layer --values layer1 --rank-data d -r r.safetensors
run "${sweep[@]}" --over layer --values layer1 --rank-data d --layer layer2
run "${sweep[@]}" --over layer --values layer1 --rank-data d --method cdir
run "${sweep[@]}" --over layer --values layer1 --rank-data d --clip model.pt
run "${sweep[@]}" --over fraction --values 0.1,2 --rank-data d
run "${sweep[@]}" --over keep --values 5 -r r.safetensors --rank-data d
run "${sweep[@]}" --over keep --values 5 -r r.safetensors --rank-labels r.safetensors
run "${sweep[@]}" --over keep --values 5 -r r.safetensors --restart
run "${sweep[@]}" --over keep --values 5 -r r.safetensors -o absent/s.json
run "${sweep[@]}" --over keep --values 5 -r r.safetensors -o s.json --chart s.json
run igdef analyze ablation -m model.pt -d d
run igdef analyze ablation -m model.pt -d d -r r.safetensors --mask random
run igdef analyze ablation -m model.pt -d d -r r.safetensors --no-smoothing
run igdef analyze ablation -m model.pt -d d -r r.safetensors --caaa-steps 3
run igdef analyze defenses -m model.pt
run igdef analyze defenses -m model.pt -d d --passes 1
run igdef analyze defenses -m model.pt -d d --cdir absent
run igdef analyze radius -m model.pt -d d --from 0.1 --eps 0.1
run igdef analyze radius -m model.pt -d d --from -1
run igdef analyze radius -m model.pt -d d --halvings 0
run igdef analyze radius -m model.pt -d d --report per-attack
run igdef analyze radius -m model.pt -d d --attack apgd-c
run igdef analyze radius -m model.pt -d d --restart
ls -A
