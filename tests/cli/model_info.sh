# shellcheck shell=bash disable=SC2154
# igdef report --model-info writes the keys and types of RobustBench's files, of what was
# measured, and refuses what is not AutoAttack.
cp "$CASES"/../report/*.json "$CASES"/../report/*.jsonl .
run igdef report base.json
run igdef report base.json --info name=x -o page.html
run igdef report base.json loir.json --model-info info.json --info additional_data=false
run igdef report base.json --model-info info.json
run igdef report base.json --model-info info.json --info additional_data=maybe
run igdef report base.json --model-info info.json --info additional_data
run igdef report base.json --model-info info.json --info additional_data=true --info autors=x
run igdef report base.json --model-info info.json --info additional_data=true --info eps=1
run igdef report base.json --model-info info.json --info additional_data=true --info reported=x
run igdef report base.json --model-info info.json --info additional_data=true
run igdef report shift.json --model-info info.json --info additional_data=true
run igdef report base.json --model-info base.json --info additional_data=true
ls info.json 2>&1

data=/usr/share/datasets/fashion-mnist
[ -d "$data" ] || { echo "case skipped: no $data"; return; }
eval=(igdef eval -m "$CASES/../data/fashion_resnet.pt" -d "$data" -n 12 --no-checks -q)
quiet "${eval[@]}" --eps 76.5/255 --attack autoattack -o aa.json
quiet "${eval[@]}" --eps 0.3 --attack autoattack -o changed.json --set apgd-ce.steps=5
quiet "${eval[@]}" --eps 3 --norm L1 --attack autoattack -o l1.json --set square.queries=5
run igdef report changed.json --model-info info.json --info additional_data=true
run igdef report l1.json --model-info info.json --info additional_data=true
run igdef report aa.json --model-info info.json --info additional_data=true \
    --info name='Masks, "kept"' --info footnote='Two passes.'
run igdef report aa.json --model-info again.json -o page.html --quiet \
    --info additional_data=false --info name=a --info authors=b --info link=c --info venue=d \
    --info dataset=cifar10 --info architecture=e --info reported=59.5
cat >check.py <<'P'
import glob
import json
import os
info = json.load(open('info.json'))
result = json.load(open('aa.json'))
assert info['clean_acc'] == f"{100 * result['clean_acc']:.2f}"
assert info['autoattack_acc'] == f"{100 * result['attacks'][-1]['robust_acc']:.2f}"
assert info['eps'] == '0.3' and info['number_forward_passes'] == 1
print(info['name'], '|', info['footnote'].replace(result['versions']['igdef'], 'VERSION'))
# As in all of RobustBench's files of Linf and L2.
types = {'link': str, 'name': str, 'authors': str, 'additional_data': bool,
         'number_forward_passes': int, 'dataset': str, 'venue': str, 'architecture': str,
         'eps': str, 'clean_acc': str, 'reported': str, 'autoattack_acc': str}
more = {'unreliable': bool, 'external': str, 'footnote': str}
for file in ('info.json', 'again.json'):
    written = json.load(open(file))
    assert set(types) <= set(written) <= set(types) | set(more), set(written)
    assert all(type(v) is {**types, **more}[k] for k, v in written.items())
print(len(types), 'keys')
# The examples themselves, where RobustBench's repository is: ROBUSTBENCH=DIR.
examples = glob.glob(os.environ.get('ROBUSTBENCH', '') + '/model_info/*/L*/*.json')
for file in examples if 'ROBUSTBENCH' in os.environ else []:
    example = json.load(open(file))
    assert set(types) <= set(example) <= set(types) | set(more), file
    assert all(type(v) is {**types, **more}[k] for k, v in example.items() if v is not None)
    float(example['clean_acc']), float(example['autoattack_acc'])
    assert set(info) - {'footnote', 'unreliable', 'external'} <= set(example), file
assert 'ROBUSTBENCH' not in os.environ or len(examples) > 100
P
python3 check.py
