# shellcheck shell=bash disable=SC2154
# Data as people have them: what is said of labels, classes, channels and numbers.
data=/usr/share/datasets/fashion-mnist
if [ ! -d "$data" ] || ! command -v python3 >/dev/null; then
    echo "case skipped: $data (dataset-fashion-mnist) or python3 is missing"
    return 0
fi
ln -s "$CASES/../data/fashion_resnet.pt" demo.pt

# The first 60 test images as grey PNG files, in folders called by class names, by class
# numbers, and by numbers from 2 on.
python3 - "$data" <<'P'
import gzip, pathlib, struct, sys, zlib
x = gzip.open(sys.argv[1] + "/t10k-images-idx3-ubyte.gz").read()[16:]
y = gzip.open(sys.argv[1] + "/t10k-labels-idx1-ubyte.gz").read()[8:]
names = "shirt trouser pullover dress coat sandal blouse sneaker bag boot".split()
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
for i in range(60):
    rows = b"".join(b"\0" + x[784 * i + 28 * r:784 * i + 28 * r + 28] for r in range(28))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    for root, folder in (("named", names[y[i]]), ("numbered", str(y[i])), ("moved", str(y[i] + 2))):
        path = pathlib.Path(root, folder, f"{i:04}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
pathlib.Path("classes.txt").write_text("\n".join(names))
pathlib.Path("test_batch.bin").write_bytes(bytes(3073))
P

clean() # OPTIONS...: notes and the clean accuracy
{
    echo "\$ eval $*"
    igdef eval -m demo.pt "$@" 2>&1 | grep -E '^igdef|^clean|near-chance|class-order|seen-images'
}
# Grey files and a model of one channel; byte order is that of the names.
clean -d named
clean -d named --classes classes.txt
clean -d numbered
clean -d moved
clean -d moved --class-order numeric
rm -r named/bag
clean -d named
clean -d named --partial
clean -d named --classes classes.txt
clean -d numbered --mean 0.9 --std 0.1

# A ranking and what it was made on.
igdef rank -m demo.pt -d numbered --mean 0.28 --std 0.35 -o n.safetensors -q >/dev/null
igdef rank -m demo.pt -d numbered -o r.safetensors -q >/dev/null
run igdef defend -m demo.pt -d numbered -r n.safetensors -n 1
clean -d numbered -r r.safetensors --no-smoothing --keep 90
clean -d "$data" -r r.safetensors --no-smoothing --keep 90 --first 100 -n 50
igdef defend -m demo.pt -r r.safetensors --no-smoothing --keep 96 numbered/9/0000.png

run igdef eval -m demo.pt -d numbered --count 0
run igdef eval -m demo.pt -d test_batch.bin
run igdef eval -m demo.pt -d "$data" --class-order numeric
printf '%s\n' 0003 0 0001 >ids.txt
igdef defend -m demo.pt -r r.safetensors --no-smoothing --keep 96 -d numbered --ids ids.txt -q | head -4

# A path that is not UTF-8 is escaped in JSON.
ln -s "$(readlink demo.pt)" $'d\xff.pt'
igdef eval -m $'d\xff.pt' -d "$data" -n 3 -q --json | python3 -c \
    'import json, sys; print(json.loads(sys.stdin.buffer.read().decode())["model"]["path"])'
igdef eval -m $'d\xff.pt' -d "$data" -n 3 -q -o utf8.json >first.txt
igdef eval -m $'d\xff.pt' -d "$data" -n 3 -q -o utf8.json | cmp - first.txt && echo "read again"
run igdef help data
: >none.txt
run igdef defend -m demo.pt -r r.safetensors -d numbered --ids none.txt

# What has no labels is defended without them, and evaluated not at all.
mkdir flat
cp numbered/9/0000.png numbered/2/0001.png flat
igdef defend -m demo.pt -r r.safetensors --no-smoothing --keep 96 -d flat -q
run igdef eval -m demo.pt -d flat
