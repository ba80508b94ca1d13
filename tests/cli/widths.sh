# shellcheck shell=bash disable=SC2154
# No line on standard output is wider than a terminal of 80 columns, unless it is one word
# that cannot be broken, such as a path: of help, of the manual, and of what each command
# prints.
cat >wide.py <<'P'
import sys
# Lines that are longer, though they have a blank that is not within quotes to be broken at.
for line in sys.stdin.read().split('\n'):
    words = line.replace("'", ' ').split()
    rest = len(line) - max((len(w) for w in words), default=0)
    if len(line) > 80 and rest > 16:
        print(f'{len(line)}: {line}')
P
narrow() # WHAT COMMAND...
{
    local what=$1
    shift
    # A terminal, so that what looks at its width is looked at too; messages go elsewhere.
    "$CASES/terminal.py" 2000 sh -c '"$@" 2>err.txt' - "$@" >screen.txt || cat err.txt screen.txt
    sed '$d' screen.txt | python3 wide.py | sed "s/^/$what: /"
    seen=$((seen + $(wc -l <screen.txt) - 1))
}

seen=0
narrow help "$igdef" help
for topic in inspect rank defend eval report analyze attacks data; do
    narrow "help $topic" "$igdef" help $topic
done
for topic in $("$igdef" help analyze | sed -nE 's/^  igdef analyze ([a-z-]+) \[.*/\1/p'); do
    narrow "help analyze $topic" "$igdef" help analyze "$topic"
done
for topic in $("$igdef" help attacks | sed -nE '/^Ensembles/q; s/^  ([a-z-]+) .*/\1/p'); do
    narrow "help $topic" "$igdef" help "$topic"
done
[ $seen -gt 1000 ] && echo 'a thousand lines of help'
"$igdef" --man >igdef.1
if command -v man >/dev/null && command -v groff >/dev/null; then
    MANWIDTH=80 man -l igdef.1 2>err.txt | sed 's/.\x08//g' | python3 wide.py | sed 's/^/manual: /'
fi
cp "$CASES"/../report/*.json "$CASES"/../report/*.jsonl .
narrow report "$igdef" report base.json loir.json random.json shift.json -o page.html
narrow merge "$igdef" report --json base.json -o page.html

data=/usr/share/datasets/fashion-mnist
[ -d "$data" ] || { echo "case skipped: no $data"; return; }
cp "$CASES/../data/fashion_resnet.pt" demo.pt
of=(-m demo.pt -d "$data" -q)
attacked=("${of[@]}" --eps 0.1 -n 8 --no-checks)
ranked=("${attacked[@]}" -r loir.safetensors --draws 2)
narrow inspect "$igdef" inspect demo.pt --input 1,28,28
narrow inspect "$igdef" inspect "$CASES/../data/fashion_sodef.pt" --input 1,28,28
narrow inspect "$igdef" inspect "${of[@]}" -n 50
narrow rank "$igdef" rank "${of[@]}" -n 100 -o loir.safetensors
narrow rank "$igdef" rank "${of[@]}" -n 100 --method random -o a-rather-long-name.safetensors \
    --compare loir.safetensors
narrow defend "$igdef" defend "${of[@]}" -r loir.safetensors -n 8
narrow eval "$igdef" eval "${attacked[@]}" --attack autoattack-plus --set \
    'apgd-ce.steps=3,apgd-dlr.steps=3,fab.steps=3,square.queries=5,apgd-t.steps=3' \
    --set 'fab-t.steps=3' -o base.json --restart
narrow 'eval, random' "$igdef" eval "${ranked[@]}" --attack 'fgsm,transfer:fgsm,surrogate:fgsm' \
    --order random
narrow shift "$igdef" analyze shift "${of[@]}" -r loir.safetensors --eps 0.1 -n 16 --attack fgsm
narrow search-keep "$igdef" analyze search-keep "${of[@]}" -r loir.safetensors -n 50
narrow landscape "$igdef" analyze landscape "${of[@]}" -n 4 --grid 3
narrow sweep "$igdef" analyze sweep "${ranked[@]}" --attack fgsm --over keep --values 5,50
narrow 'sweep steps' "$igdef" analyze sweep "${ranked[@]}" --attack pgd --over steps --values 1,2
narrow ablation "$igdef" analyze ablation "${ranked[@]}" --attack fgsm
narrow defenses "$igdef" analyze defenses "${ranked[@]}" --rows none,loir --set pgd.steps=2 --attack \
    'fgsm,pgd,apgd-ce,apgd-cw,apgd-dlr,transfer:fgsm,transfer:pgd,own:fgsm,surrogate:fgsm' \
    --set 'apgd-ce.steps=2,apgd-cw.steps=2,apgd-dlr.steps=2'
narrow radius "$igdef" analyze radius "${attacked[@]}" --attack fgsm --halvings 2
narrow tune "$igdef" analyze tune "${of[@]}" -r loir.safetensors --keeps 5,50 --sigmas 0 \
    --temperatures 0.1 --first-images 8 -n 16 --eps 0.1 --attack fgsm
