# shellcheck shell=bash disable=SC2154
# Progress fits a terminal of any width, also one that is resized, leaves nothing behind,
# and says when its end is expected.
data=/usr/share/datasets/fashion-mnist
[ -d "$data" ] || { echo "case skipped: no $data"; return; }
eval=("$igdef" eval -m "$CASES/../data/fashion_resnet.pt" -d "$data" -n 48 --eps 0.1
    --attack apgd-ce --set apgd-ce.steps=100 --report per-attack --no-checks --no-shortcuts
    --json --threads 1)
for columns in 200 80 50 30 9 80,30; do
    "$CASES/terminal.py" "$columns" sh -c '"$@" >result.json' - "${eval[@]}" >screen.txt ||
        cat screen.txt
    # The two notes at the start stay, however they are broken; they hold no '%'.
    echo "$columns columns: $(grep -c % screen.txt) lines left behind;" \
        "$(grep -o 'percent' screen.txt) was drawn"
done
# Only the notes are longer than a terminal.
"$CASES/terminal.py" 160 sh -c '"$@" >result.json' - "${eval[@]}" | grep -o 'wrapped .;'
"$CASES/terminal.py" 120 sh -c '"$@" >result.json' - "${eval[@]}" |
    grep -oE 'the time left|the end|until [0-9]{2}:[0-9]{2} ' | sed 's/[0-9]/N/g'
"$CASES/terminal.py" 20 sh -c '"$@" >result.json' - "${eval[@]}" -q # nothing at all
