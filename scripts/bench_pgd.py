#!/usr/bin/env python3
"""Seconds that PGD takes in PyTorch eager: the other side of `bench`'s PGD.

    /usr/bin/python3 scripts/bench_pgd.py MODEL.pt STEPS

The network is rebuilt as a plain nn.Module with the file's weights, because users of Python attack
such modules. Batch of 128 images, Linf, every step for every image; the least of five runs.
"""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

BATCH = 128


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(a, b, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(b)
        self.conv2 = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(b)
        self.shortcut = nn.Sequential()
        if stride != 1 or a != b:
            self.shortcut = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(h)) + self.shortcut(x))


class ResNet(nn.Module):
    """conv1, bn1, layer1 .. layerN of blocks, pooling, linear; sizes read off the weights."""

    def __init__(self, weights):
        super().__init__()
        first = weights["conv1.weight"]
        channels = first.shape[1]
        self.size = 32 if channels == 3 else 28
        self.shape = (channels, self.size, self.size)
        stem_stride = 1 if channels == 3 else 2
        self.conv1 = nn.Conv2d(channels, first.shape[0], 3, stem_stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first.shape[0])
        planes, self.stages = first.shape[0], []
        for n in range(1, 9):
            blocks = []
            while f"layer{n}.{len(blocks)}.conv1.weight" in weights:
                width = weights[f"layer{n}.{len(blocks)}.conv1.weight"].shape[0]
                stride = 2 if n > 1 and not blocks else 1
                blocks.append(Block(planes, width, stride))
                planes = width
            if blocks:
                setattr(self, f"layer{n}", nn.Sequential(*blocks))
                self.stages.append(f"layer{n}")
        self.linear = nn.Linear(planes, weights["linear.weight"].shape[0])
        self.load_state_dict(weights)

    def features(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        for stage in self.stages:
            h = getattr(self, stage)(h)
        return F.adaptive_avg_pool2d(h, 1).flatten(1)

    def forward(self, x):
        return self.linear(self.features(x))


def pgd(model, x, y, eps, steps):
    adv = (x + torch.empty_like(x).uniform_(-eps, eps)).clamp(0, 1)
    for _ in range(steps):
        adv.requires_grad_(True)
        loss = F.cross_entropy(model(adv), y, reduction="sum")
        grad, = torch.autograd.grad(loss, adv)
        with torch.no_grad():
            adv = adv + eps / 4 * grad.sign()
            adv = torch.min(torch.max(adv, x - eps), x + eps).clamp(0, 1)
    return adv


def main():
    path, steps = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(len(__import__("os").sched_getaffinity(0)))
    script = torch.jit.load(path).eval()
    model = ResNet(script.state_dict()).eval()
    for p in model.parameters():
        p.requires_grad_(False)
    x = torch.rand(BATCH, *model.shape)
    with torch.no_grad():
        assert (model(x) - script(x)).abs().max() < 1e-3, "the network was not rebuilt right"
    y = torch.randint(0, model.linear.out_features, (BATCH,))
    best = 1e30
    for _ in range(6):  # the first warms up
        start = time.monotonic()
        pgd(model, x, y, 8 / 255, steps)
        best = min(best, time.monotonic() - start)
    print(f"{best:.6f}")


if __name__ == "__main__":
    main()
