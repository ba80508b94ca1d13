# shellcheck shell=bash disable=SC1091,SC2154
# scripts/export_torchscript.py: from a checkpoint of weights to a file that igdef reads.
has_torch || return 0
cat >net.py <<'END'
from torch import nn


class Net(nn.Module):
    """Calls one ReLU twice, with outputs of different shapes, as torchvision's ResNets do."""

    def __init__(self, num_classes=3):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.relu = nn.ReLU()
        self.linear = nn.Linear(6, num_classes)

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.linear(x.mean([2, 3]))
END
export=("$python" "$CASES/../../scripts/export_torchscript.py")
"$python" -c 'import torch, net; torch.manual_seed(0); m = net.Net()
torch.save({"state_dict": {"module." + k: v for k, v in m.state_dict().items()}}, "net.pth")'
"${export[@]}" net.py:Net net.pth --input 1,8,8 -o net.pt >out.txt 2>&1 || cat out.txt
igdef inspect net.pt --input 1,8,8 | grep '^penultimate'
"${export[@]}" net.py:Net net.pth --kwargs '{"num_classes": 4}' --input 1,8,8 -o x.pt
echo "[$?]"
ls ./*.pt

# A GELU between images of different orders in memory: the exported defense has the right gradient.
cat >gelu.py <<'END'
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 7, padding=3, groups=8)
        self.norm = nn.LayerNorm(8)
        self.linear = nn.Linear(8, 3)

    def forward(self, x):
        x = F.gelu(self.conv(x))
        x = x + self.depthwise(x).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
        return self.linear(self.norm(x.permute(0, 2, 3, 1)).mean([1, 2]))


def gradient(model, x):
    x = x.clone().requires_grad_()
    model(x)[:, 0].sum().backward()
    return x.grad


torch.manual_seed(0)
x = torch.rand(4, 3, 32, 32)
if sys.argv[1] == "write":
    import numpy
    torch.jit.script(Net().eval()).save("gelu.pt")
    numpy.save("gelu.npy", x.numpy())
    numpy.save("gelu-labels.npy", numpy.array([0, 1, 2, 0]))
else:
    model = torch.jit.load("defended.pt")
    got = gradient(model, x)
    wanted = gradient(model.double(), x.double())
    print(bool((got - wanted).abs().max() < 1e-4 * wanted.abs().max()))
END
"$python" gelu.py write
igdef rank --model gelu.pt --data gelu.npy --labels gelu-labels.npy --layer penultimate \
    --method loir -o gelu.json --quiet >rank.txt
igdef defend --model gelu.pt --ranking gelu.json --keep 4 --sigma 0 --export defended.pt
"$python" gelu.py compare
