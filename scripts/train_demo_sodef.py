#!/usr/bin/env python3
"""Train a small model like SODEF on Fashion-MNIST: a defense to compare with, as a file of its own.

    OMP_NUM_THREADS=1 nice -n 10 /usr/bin/python3 scripts/train_demo_sodef.py

It makes two files:

  tests/data/fashion_sodef.pt    scripted TorchScript: [N,1,28,28] in [0,1] to logits [N,10]
  tests/data/fashion_sodef.json  its accuracies on the test set, the settings, the versions, the
                                 file's sha256 and that of its base model

    igdef eval --model tests/data/fashion_resnet.pt --defended tests/data/fashion_sodef.pt ...

SODEF (Kang et al., NeurIPS 2021) keeps the features of an adversarially trained network and puts a
neural ODE between them and the classifier, trained so that it ends in stable equilibria. Here the
features are the 96 pooled ones of the bundled base model, frozen; then, as in the larger of SODEF's
two published variants, an orthogonal bias-free projection to 64, an ODE of one layer,

    dh/dt = sin(-(W h + b)),  t from 0 to 5,

and a linear classifier. The loss is cross-entropy plus SODEF's three regularisers of the ODE's
Jacobian at the end: little motion, negative trace, dominant diagonal.

What differs from SODEF, and matters to numbers: the solver. SODEF's adaptive Dormand-Prince steps
depend on the whole batch, so an image's logits depend on the images beside it, and accuracies hold
for one batch composition only. This file solves with classical Runge-Kutta on a fixed grid of 20
steps, every image by itself. It is a stand-in for trying out `--defended`, and no reproduction of
SODEF's published numbers.

The base model's convolutions are stored with their batch norms folded in, in half precision (their
rounding moves logits by about 1e-3), which keeps the file small. Needs PyTorch and NumPy. Same
seed, same PyTorch build: same weights.
"""

import argparse
import json
import os
import platform
import sys
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from train_demo_model import (DEFAULT_DATA, DEFAULT_OUTPUT as BASE, HELD_OUT, load, pgd_robust,
                              save_scripted, sha256_of)

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_OUTPUT = os.path.normpath(os.path.join(HERE, "..", "tests", "data", "fashion_sodef.pt"))
WIDTH = 64


class Folded(nn.Module):
    """A convolution and the batch norm after it, as one convolution stored in half precision."""

    def __init__(self, conv, norm):
        super().__init__()
        weight, bias = fuse_conv_bn_weights(conv.weight, conv.bias, norm.running_mean,
                                            norm.running_var, norm.eps, norm.weight, norm.bias)
        self.register_buffer("weight", weight.detach().half())
        self.register_buffer("bias", bias.detach())
        self.stride = int(conv.stride[0])
        self.padding = int(conv.padding[0])

    def forward(self, x):
        return F.conv2d(x, self.weight.float(), self.bias, stride=self.stride,
                        padding=self.padding)


class Block(nn.Module):
    """A BasicBlock of the base model."""

    def __init__(self, block):
        super().__init__()
        self.conv1 = Folded(block.conv1, block.bn1)
        self.conv2 = Folded(block.conv2, block.bn2)
        children = list(block.shortcut.children())
        self.shortcut = Folded(*children) if children else nn.Identity()

    def forward(self, x):
        return torch.relu(self.conv2(torch.relu(self.conv1(x))) + self.shortcut(x))


class Trunk(nn.Module):
    """Images to the pooled features of the base model, [N, 96]."""

    def __init__(self, base):
        super().__init__()
        self.conv1 = Folded(base.conv1, base.bn1)
        self.layer1 = Block(getattr(base.layer1, "0"))
        self.layer2 = Block(getattr(base.layer2, "0"))
        self.layer3 = Block(getattr(base.layer3, "0"))

    def forward(self, x):
        out = torch.relu(self.conv1(x))
        out = self.layer3(self.layer2(self.layer1(out)))
        return out.mean([2, 3])


class ODE(nn.Module):
    """dh/dt = sin(-(W h + b)) from t = 0 to `end`, Runge-Kutta of order 4 on a fixed grid."""

    def __init__(self, width: int, end: float, steps: int):
        super().__init__()
        self.layer = nn.Linear(width, width)
        self.end = end
        self.steps = steps

    def slope(self, h):
        return torch.sin(-self.layer(h))

    def forward(self, h):
        dt = self.end / self.steps
        for _ in range(self.steps):
            k1 = self.slope(h)
            k2 = self.slope(h + dt / 2 * k1)
            k3 = self.slope(h + dt / 2 * k2)
            k4 = self.slope(h + dt * k3)
            h = h + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return h


class Sodef(nn.Module):
    """Frozen features, projection, ODE, classifier."""

    def __init__(self, trunk, num_features: int, num_classes: int, end: float, steps: int):
        super().__init__()
        self.trunk = trunk
        self.projection = nn.Linear(num_features, WIDTH, bias=False)
        nn.init.orthogonal_(self.projection.weight)
        self.projection.weight.requires_grad_(False)
        self.ode = ODE(WIDTH, end, steps)
        self.classifier = nn.Linear(WIDTH, num_classes)

    def forward(self, x):
        return self.classifier(self.ode(self.projection(self.trunk(x))))


def stability(ode, h):
    """SODEF's regularisers at the end points h: motion, trace and diagonal of the Jacobian."""
    # d sin(-(W h + b)) / dh = -diag(cos(W h + b)) W
    jacobian = -torch.cos(ode.layer(h)).unsqueeze(2) * ode.layer.weight
    diagonal = jacobian.diagonal(dim1=1, dim2=2)
    others = jacobian.abs().sum(2) - diagonal.abs()
    motion = ode.slope(h).pow(2).sum(1)
    return motion.mean(), torch.exp(diagonal.mean(1)).mean(), torch.exp(
        (others - diagonal.abs()).mean(1)).mean()


def features_of(trunk, images, batch_size=500):
    with torch.no_grad():
        return torch.cat([trunk(images[i:i + batch_size])
                          for i in range(0, len(images), batch_size)])


def train(model, features, labels, held, held_labels, args):
    """Trains what follows the features; returns the held-out history."""
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learned, lr=args.lr)
    history = []
    began = time.time()
    for epoch in range(args.epochs):
        order = torch.randperm(len(features))
        for begin in range(0, len(features) - args.batch_size + 1, args.batch_size):
            rows = order[begin:begin + args.batch_size]
            h = model.ode(model.projection(features[rows]))
            motion, trace, diagonal = stability(model.ode, h)
            loss = F.cross_entropy(model.classifier(h), labels[rows]) + args.regularise * (
                motion / WIDTH + trace + diagonal)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            h = model.ode(model.projection(held))
            clean = float((model.classifier(h).argmax(1) == held_labels).float().mean())
        history.append({"epoch": epoch + 1, "clean_acc": round(clean, 6)})
        print(f"epoch {epoch + 1}/{args.epochs}  loss {loss.item():.3f}  held-out clean "
              f"{clean:.4f}  {time.time() - began:.0f} s", file=sys.stderr, flush=True)
    return history


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=DEFAULT_DATA, help="folder with the four IDX .gz files")
    parser.add_argument("--base", default=BASE, help="the base model's .pt file")
    parser.add_argument("-o", "--output", default=DEFAULT_OUTPUT, help="the .pt file")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=0.003)
    parser.add_argument("--regularise", type=float, default=0.05,
                        help="weight of the stability terms")
    parser.add_argument("--end", type=float, default=5.0, help="of the ODE's time")
    parser.add_argument("--solver-steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train-count", type=int, default=0, help="use fewer training images")
    parser.add_argument("--test-count", type=int, default=0, help="use fewer test images")
    parser.add_argument("--attacked", type=int, default=500, help="test images for PGD-50")
    args = parser.parse_args()

    # The order of floating point additions, and so the weights, depends on the thread count.
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    images, labels = load(args.data, "train")
    held_images, held_labels = images[-HELD_OUT:], labels[-HELD_OUT:]
    images, labels = images[:-HELD_OUT], labels[:-HELD_OUT]
    if args.train_count:
        images, labels = images[:args.train_count], labels[:args.train_count]
    test_images, test_labels = load(args.data, "test")
    if args.test_count:
        test_images, test_labels = test_images[:args.test_count], test_labels[:args.test_count]

    base = torch.jit.load(args.base)
    trunk = Trunk(base).eval()
    num_classes, num_features = base.linear.weight.shape
    model = Sodef(trunk, num_features, num_classes, args.end, args.solver_steps)
    history = train(model, features_of(trunk, images), labels,
                    features_of(trunk, held_images), held_labels, args)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.eval()

    save_scripted(model, args.output)
    # What is measured is the file, not the model in memory.
    exported = torch.jit.load(args.output)
    with torch.no_grad():
        right = torch.cat([exported(test_images[i:i + 500]).argmax(1) == test_labels[i:i + 500]
                           for i in range(0, len(test_images), 500)])
    torch.manual_seed(args.seed)
    some = min(args.attacked, len(test_images))
    eps = 0.1
    _, robust = pgd_robust(exported, test_images[:some], test_labels[:some], eps, 50)
    torch.manual_seed(args.seed)
    _, base_robust = pgd_robust(base, test_images[:some], test_labels[:some], eps, 50)
    clean = float(right.float().mean())
    record = {
        "model": os.path.basename(args.output),
        "sha256": sha256_of(args.output),
        "base": {"model": os.path.basename(args.base), "sha256": sha256_of(args.base)},
        "data": "Fashion-MNIST",
        "train_images": len(images),
        "test_images": len(test_images),
        "clean_acc": round(clean, 6),
        "pgd50_acc": round(robust, 6),
        "base_pgd50_acc": round(base_robust, 6),
        "pgd50": {"norm": "Linf", "eps": eps, "alpha": eps / 4, "steps": 50,
                  "random_start": True, "restarts": 1, "seed": args.seed, "first_images": some},
        "solver": {"method": "Runge-Kutta 4, fixed grid, per image", "end": args.end,
                   "steps": args.solver_steps},
        "training": {"epochs": args.epochs, "batch_size": args.batch_size, "lr": args.lr,
                     "optimizer": "Adam", "regularise": args.regularise, "seed": args.seed},
        "held_out": history,
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "numpy": numpy.__version__},
    }
    with open(os.path.splitext(args.output)[0] + ".json", "w") as file:
        json.dump(record, file, indent=2)
        file.write("\n")
    print(f"{args.output}: clean {clean:.4f}, PGD-50 {robust:.4f} on {some} images "
          f"(base model {base_robust:.4f})")


if __name__ == "__main__":
    main()
