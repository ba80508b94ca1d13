# shellcheck shell=bash disable=SC1091,SC2154
# What a model's file says about itself: shown, used, said, and refused where damaged.
has_torch || return 0
cat >make.py <<'END_PYTHON'
import json, os, struct, sys, zlib
import torch
from torch import nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return self.linear(torch.relu(self.conv(x)).mean([2, 3]))


def png(path, size, level):
    rows = b"".join(b"\0" + bytes([level, (row * 3) % 256, 9]) * size for row in range(size))
    chunk = lambda kind, body: (struct.pack(">I", len(body)) + kind + body +
                                struct.pack(">I", zlib.crc32(kind + body)))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", size, size, 8, 2, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


net = torch.jit.script(Net().eval())
card = {"format": "igdef.model/1", "name": "Net \x1b[31m", "source": "the test",
        "weights": [{"file": "net.pth", "sha256": "12ab"}], "input": [3, 288, 288],
        "num_classes": 2, "classes": ["cat", "dog"], "preprocess": "Crop288",
        "normalization": {"mean": [0.5, 0.5, 0.25], "std": [1, 1, 2], "place": "in front"}}


def save(name, text):
    net.save(name, _extra_files={"igdef.json": text.encode()})


save("net.pt", json.dumps(card))
save("turned.pt", json.dumps({**card, "classes": ["dog", " cat"]}))
save("other.pt", json.dumps({**card, "preprocess": "Res232Crop224"}))
net.save("plain.pt")
save("broken.pt", "{")
save("future.pt", json.dumps({**card, "format": "igdef.model/9"}))
save("shape.pt", json.dumps({**card, "input": [3, 0, 1e9]}))
save("names.pt", json.dumps({**card, "classes": ["cat"]}))
save("list.pt", "[]")
for c, level in (("cat", 10), ("dog", 200)):
    os.makedirs(f"images/{c}")
    for i in range(3):
        png(f"images/{c}/{i}.png", 300 + i, level + i)
with open("numbers.npy", "wb") as file:  # images without names of classes
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 288, 288), }"
    head = head.ljust(117) + "\n"
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
    for level in (0.0, 1.0):
        file.write(struct.pack("<f", level) * (3 * 288 * 288))
with open("labels.txt", "w") as file:
    file.write("0\n1\n")
for name, names in ("turned.txt", "dog\ncat\n"), ("listed.txt", "cat\ndog\n"):
    with open(name, "w") as file:
        file.write(names)
END_PYTHON
"$python" make.py
run igdef inspect net.pt | sed -n '/^images/p;/^name/,/^class names/p'
igdef inspect net.pt --json | grep -A6 '"card"'
for name in broken future shape names list; do
    run igdef inspect $name.pt
done
run igdef rank -m net.pt -d images -o net.safetensors | grep igdef
run igdef rank -m net.pt -d images --preprocess none -o x.safetensors
run igdef rank -m other.pt -d images -o x.safetensors
run igdef defend -m net.pt -r net.safetensors --keep 2 --export defended.pt
run igdef rank -m plain.pt -d images --preprocess Res224 -o plain.safetensors -q
run igdef defend -m plain.pt -r plain.safetensors --keep 2 --export plain-defended.pt
run igdef eval -m net.pt -d images --attack clean -o r.json -q
grep '"preprocess"' r.json
run igdef eval -m net.pt -d images --attack clean -n 1 -o r2.json | grep prepared
run igdef inspect net.pt --input 3,32,32 | grep 'made for'
run igdef rank -m net.pt -d images --expect-clean 0.9 -o checked.safetensors
run igdef rank -m net.pt -d images --expect-clean 0.505 -o checked.safetensors | grep igdef
ls checked.safetensors
run igdef inspect net.pt --mean 0,0,0 --std 1,1,1 | grep warning
run igdef eval -m net.pt -d numbers.npy --labels labels.txt --attack clean -o numbers.json -q |
    grep '^Best'

# The data's names in another order than the model's: other classes, unless a file maps them.
for command in inspect eval "defend --mask none --passes 1" "rank -o x.safetensors" \
    "rank --method random -o x.safetensors"; do
    # shellcheck disable=SC2086 # a command and its options
    run igdef $command -m turned.pt -d images -q
done
run igdef eval -m turned.pt -d numbers.npy --labels listed.txt -q
run igdef eval -m turned.pt -d images --classes turned.txt -q | grep '^clean'
run igdef eval -m net.pt -d images --classes turned.txt -q

# The ranking's classes in another order than the data's.
for command in "eval --sigma 0.1 --keep 2" "defend --sigma 0.1 --keep 2" "analyze search-keep --sigma 0.1" \
    "analyze shift --eps 0.1"; do
    # shellcheck disable=SC2086 # a command and its options
    run igdef $command -m plain.pt -r plain.safetensors -d images --preprocess Res224 \
        --classes turned.txt -q
done
igdef eval -m plain.pt -r plain.safetensors -d images --preprocess Res224 --classes turned.txt \
    --sigma 0.1 --keep 2 --force -q | grep '^clean'
