# shellcheck shell=bash disable=SC1091,SC2154
# Which normalisation `inspect` names: one that images tell from the model as it is, no other.
has_torch || return 0
cat >make.py <<'END_PYTHON'
import torch
from torch import nn


class Bytes(nn.Module):
    """Grey levels 0 to 255: from 100 on, class 1; what reaches the pixels tells nothing else."""

    def forward(self, x):
        over = x.mean([1, 2, 3]) - 100.0
        return torch.stack([-over, over, over - 1000.0, over - 1000.0, over - 1000.0], 1)


torch.jit.script(Bytes().eval()).save("bytes.pt")
END_PYTHON
"$python" make.py
npy() # FILE SHAPE: an array of the bytes that come in
{
    printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' \
        "{'descr': '|u1', 'fortran_order': False, 'shape': ($2), }" >"$1"
    cat >>"$1"
}
for ((i = 0; i < 24; i++)); do # dark, bright, dark, ...
    ((i % 2)) && printf '\xc8\xc8\xc8\xc8' || printf '\x0a\x0a\x0a\x0a'
done | npy x.npy '24, 2, 2'
for ((i = 0; i < 24; i++)); do
    ((i % 2)) && echo 1 || echo 0
done >y.txt
inspect=(igdef inspect bytes.pt -d x.npy --labels y.txt --partial -q)
run "${inspect[@]}" -n 12 | sed -n '/^clean accuracy/,$p'
"${inspect[@]}" -n 12 --json | grep -E '"(as_good|likely)"'
run "${inspect[@]}" | sed -n '/^clean accuracy/,$p'
"${inspect[@]}" --json | grep -E '"(as_good|likely)"'
