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
