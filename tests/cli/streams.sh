# shellcheck shell=bash disable=SC1091,SC2154
# Closed standard streams, full disks, and signals.
ln -s "$CASES/../report/base.json" base.json
ln -s "$CASES/../report/loir.json" loir.json
cp "$CASES/../data/fashion_resnet.pt" demo.pt
igdef report -q base.json loir.json -o page.html

# What is meant for a closed stream goes nowhere, least of all into a file.
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
    eval "\"$igdef\" report base.json loir.json -o other.html $closed" >out.txt 2>err.txt
    echo "$closed [$?] $(cmp page.html other.html && echo the same page)"
done
data=/usr/share/datasets/fashion-mnist
if [ -d "$data" ]; then
    eval=(-m demo.pt -d "$data" --eps 0.1 --attack fgsm --no-checks -n 8 --save-adversarial)
    "$igdef" eval "${eval[@]}" x.npy >out.txt 2>err.txt
    "$igdef" eval "${eval[@]}" y.npy <&- >&- 2>&-
    cmp x.npy y.npy
    rm -f x.npy y.npy
fi

# The reason is the file system's own, and nothing is left.
limited() # COMMAND...
{
    (
        ulimit -f 8
        run "$@"
    )
}
limited igdef report -q base.json loir.json -o full.html
limited igdef report -q base.json loir.json -o /dev/full
{ "$igdef" inspect demo.pt --input 1,28,28 >/dev/full; } 2>&1
echo "[$?]"
mkfifo nobody.fifo
run igdef report base.json -o nobody.fifo
timeout 10 cat nobody.fifo >read.html &
run igdef report -q base.json loir.json -o nobody.fifo
wait $!
cmp page.html read.html
ln -s target.html dangling.html
run igdef report -q base.json loir.json -o dangling.html
cmp page.html target.html

# A report that waits for its input ends at once and documented.
mkfifo never.json
for signal in INT TERM HUP; do
    bash -c "trap - INT; exec '$igdef' report never.json -o never.html" &
    sleep 0.3
    kill -$signal $!
    wait $!
    echo "$signal [$?]"
done
ls
