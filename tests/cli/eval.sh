# shellcheck shell=bash disable=SC1091,SC2154
# igdef eval refuses what makes no sense before any work, and leaves nothing behind.
touch model.pt
mkdir d

run igdef eval
run igdef eval -m model.pt
run igdef eval -m model.pt -d absent
run igdef eval -m model.pt -d d --eps 0
run igdef eval -m model.pt -d d --eps 8
run igdef eval -m model.pt -d d --norm L3
run igdef eval -m model.pt -d d --attack apgd-c
run igdef eval -m model.pt -d d --attack worstcase
run igdef eval -m model.pt -d d --attack surrogate:pgd
run igdef eval -m model.pt -d d --attack pgd,pgd
run igdef eval -m model.pt -d d --attack pgd --set pgd.stesp=3
run igdef eval -m model.pt -d d --attack pgd --set pgd.steps=0
run igdef eval -m model.pt -d d --attack pgd --set apgd-ce.steps=10
run igdef eval -m model.pt -d d --attack rays --norm L2
run igdef eval -m model.pt -d d --report both
run igdef eval -m model.pt -d d --audit 101
run igdef eval -m model.pt -d d --keep 5
run igdef eval -m model.pt -d d --fixed-noise
run igdef eval -m model.pt -d d --restart
run igdef eval -m model.pt -d d --precision tf32
run igdef eval -m model.pt -d d --precision half
run igdef eval -m model.pt -d d -o absent/r.json
run igdef eval -m model.pt -d d -o d
run igdef eval -m model.pt -d d --save-adversarial absent/x.npy
run igdef eval --merge a.json
run igdef eval -m model.pt -d d --budget 30
run igdef eval -m model.pt -d d --budget 2.5img
run igdef eval -m model.pt -d d --budget -5m
run igdef eval -m model.pt -d d --budget h
run igdef eval -m model.pt -d d --order random --first 10
run igdef eval -m model.pt -d d --order data --budget 30m
run igdef eval -m model.pt -d d --order data --until-width 0.1
run igdef eval -m model.pt -d d --order backwards
run igdef eval -m model.pt -d d --until-width 1
run igdef eval -m model.pt -d d --until-difference absent.json
run igdef eval -m model.pt -d d --budget 30m --save-adversarial x.npy
run igdef eval model.pt -m model.pt
echo '{' >a.json
echo '{"format":"igdef.result/9"}' >b.json
run igdef eval --merge a.json
run igdef eval --merge a.json b.json
run igdef eval --merge b.json a.json
run igdef eval --merge a.json b.json --eps 0.1
ls -A
