#!/usr/bin/env python3
"""Speed of igdef on a device, against the official AutoAttack in the same run.

    scripts/bench_gpu.py --igdef build/igdef --device cuda --autoattack DIR [--networks resnet18]

The networks have random weights and batch-norm statistics of random images; what they say of an
image is its label, and the radius is chosen so that about half of the images withstand short
attacks. For each network, with both precisions of igdef where the device has them:

* steps of APGD-CE a second, at a radius at which no image falls: igdef, and the official one
* the share of igdef's step that is not the network's own: forward and backward passes in PyTorch
  of the same network, on images that stay on the device
* seconds of the standard AutoAttack, from the start of the command to its end
* memory of the device that igdef held at its most, where nvidia-smi says
"""
import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# Network: images, their side, batch, steps of the timing; and the same to try the script.
SIZES = {"resnet18": (1024, 32, 512, 100), "wrn28-10": (512, 32, 512, 50),
         "resnet50": (256, 224, 128, 50)}
STILL = 1e-6  # a radius
SHORT = ["--set", "apgd-ce.steps=2,apgd-t.steps=2,fab-t.steps=2,square.queries=10"]
TRIAL = {"resnet18": (4, 32, 4, 2), "wrn28-10": (2, 32, 2, 1), "resnet50": (2, 64, 2, 1)}


def conv(a, b, size, stride=1):
    return nn.Conv2d(a, b, size, stride, size // 2, bias=False)


class Residual(nn.Module):
    """Convolutions of (width, size, stride), each with a batch norm after it, and a shortcut."""

    def __init__(self, a, layers):
        super().__init__()
        parts, stride, b = [], 1, a
        for width, size, step in layers:
            parts += [conv(b, width, size, step), nn.BatchNorm2d(width), nn.ReLU()]
            b, stride = width, stride * step
        self.path = nn.Sequential(*parts[:-1])
        same = stride == 1 and a == b
        self.shortcut = nn.Identity() if same else nn.Sequential(conv(a, b, 1, stride),
                                                                 nn.BatchNorm2d(b))

    def forward(self, x):
        return F.relu(self.path(x) + self.shortcut(x))


class PreActivated(nn.Module):
    """A block of a wide ResNet: batch norm and ReLU before each of two convolutions."""

    def __init__(self, a, b, stride):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(a), nn.BatchNorm2d(b)
        self.conv1, self.conv2 = conv(a, b, 3, stride), conv(b, b, 3)
        self.shortcut = None if a == b else conv(a, b, 1, stride)

    def forward(self, x):
        h = F.relu(self.norm1(x))
        side = x if self.shortcut is None else self.shortcut(h)
        return side + self.conv2(F.relu(self.norm2(self.conv1(h))))


def stages(width, counts, block):
    """Blocks of each stage; the first of all but the first stage halves the image."""
    parts, a = [], width[0]
    for stage, count in enumerate(counts):
        for k in range(count):
            made, a = block(a, width[stage + 1], 2 if stage > 0 and k == 0 else 1)
            parts.append(made)
    return parts, a


def network(name):
    def basic(a, b, stride):
        return Residual(a, [(b, 3, stride), (b, 3, 1)]), b

    def bottleneck(a, b, stride):
        return Residual(a, [(b, 1, 1), (b, 3, stride), (4 * b, 1, 1)]), 4 * b

    def wide(a, b, stride):
        return PreActivated(a, b, stride), b

    widths = [64, 64, 128, 256, 512]
    if name == "resnet18":
        start, classes = [conv(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU()], 10
        parts, out = stages(widths, [2, 2, 2, 2], basic)
    elif name == "wrn28-10":
        start, classes = [conv(3, 16, 3)], 10
        parts, out = stages([16, 160, 320, 640], [4, 4, 4], wide)
        parts += [nn.BatchNorm2d(out), nn.ReLU()]
    else:
        start = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        classes = 1000
        parts, out = stages(widths, [3, 4, 6, 3], bottleneck)
    return nn.Sequential(*start, *parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(out, classes))


class Bench:
    def __init__(self, name, args, folder):
        self.name, self.args, self.folder = name, args, Path(folder)
        self.trial = args.device == "cpu"
        self.count, side, self.batch, self.steps = (TRIAL if self.trial else SIZES)[name]
        self.count, self.steps = args.images or self.count, args.steps or self.steps
        self.batch = min(self.batch, self.count)
        torch.manual_seed(0)
        self.images = torch.rand(self.count, 3, side, side)
        net = network(name).to(args.device)
        with torch.no_grad():
            net.train()
            for _ in range(20):
                net(torch.rand(16, 3, side, side, device=args.device))
            net.eval()
            for p in net.parameters():
                p.requires_grad_(False)
            script = torch.jit.trace(net, self.images[:2].to(args.device))
            script.save(str(self.folder / "model.pt"))
            self.net = net
            self.labels = torch.cat([net(x.to(args.device)).argmax(1).cpu()
                                     for x in self.images.split(self.batch)])
        np.save(self.folder / "images.npy", self.images.numpy())
        np.save(self.folder / "labels.npy", self.labels.numpy())
        self.eps = args.eps or (STILL if args.steps_only else self.radius())

    def igdef(self, *options):
        """The result of an evaluation, its seconds, and megabytes of the device."""
        result = self.folder / "result.json"
        command = [self.args.igdef, "eval", "--model", self.folder / "model.pt",
                   "--data", self.folder / "images.npy", "--labels", self.folder / "labels.npy",
                   "--partial", "--device", self.args.device, "--batch-size", self.batch,
                   "--no-checks", "--quiet", "--restart", "--output", result, *options]
        most = Memory(self.args.device)
        begin = time.monotonic()
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        seconds = time.monotonic() - begin
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
        return json.loads(result.read_text()), seconds, most.stop()

    def radius(self):
        low, high = 0.0, 8 / 255
        for _ in range(1 if self.trial else 6):
            middle = (low + high) / 2
            found, _, _ = self.igdef("--eps", middle, "--attack", "apgd-ce,square",
                                     "--set", "apgd-ce.steps=10,square.queries=50")
            low, high = (middle, high) if found["worst_acc"] > 0.5 else (low, middle)
        return max(low, high / 2)

    def steps_of_igdef(self, precision):
        found, _, memory = self.igdef(
            "--eps", STILL, "--attack", "apgd-ce", "--no-shortcuts", "--precision", precision,
            "--set", f"apgd-ce.steps={self.steps},apgd-ce.restarts=1")
        attack = next(a for a in found["attacks"] if a["name"] == "apgd-ce")
        return attack["backwards"] / attack["seconds"], memory

    def steps_of_network(self, tf32):
        """Forward and backward passes of an image a second, with nothing else."""
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        x = self.images[:self.batch].to(self.args.device).requires_grad_(True)
        y = self.labels[:self.batch].to(self.args.device)
        rounds = 1 if self.trial else self.steps
        for count in (1, rounds):  # the first one plans
            begin = time.monotonic()
            for _ in range(count):
                torch.autograd.grad(F.cross_entropy(self.net(x), y, reduction="sum"), x)
            if self.args.device != "cpu":
                torch.cuda.synchronize()
        return rounds * len(x) / (time.monotonic() - begin)

    def official(self, tf32):
        """Steps of an image a second of its APGD-CE, and seconds of the whole."""
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        from autoattack import AutoAttack
        from autoattack.autopgd_base import APGDAttack
        x, y = self.images.to(self.args.device), self.labels.to(self.args.device)
        attack = APGDAttack(self.net, n_iter=self.steps, norm="Linf", eps=STILL, seed=0,
                            device=self.args.device, n_restarts=1, loss="ce", verbose=False)
        begin = time.monotonic()
        for part, labels in zip(x.split(self.batch), y.split(self.batch)):
            attack.perturb(part, labels)
        if self.args.device != "cpu":
            torch.cuda.synchronize()
        steps = self.count * self.steps / (time.monotonic() - begin)
        if self.args.steps_only:
            return steps, None
        whole = AutoAttack(self.net, norm="Linf", eps=self.eps, seed=0, verbose=False,
                           version="standard", device=self.args.device)
        if self.trial:
            whole.apgd.n_iter = whole.apgd_targeted.n_iter = whole.fab.n_iter = 2
            whole.square.n_queries = 10
        begin = time.monotonic()
        whole.run_standard_evaluation(x, y, bs=self.batch)
        return steps, time.monotonic() - begin

    def run(self):
        print(f"{self.name}: {self.count} images of {self.images.shape[-1]} pixels a side, batches "
              f"of {self.batch}, eps {self.eps:.5f}", flush=True)
        precisions = ["ieee"] if self.trial else ["ieee", "tf32"]
        for precision in precisions:
            tf32 = precision == "tf32"
            steps, memory = self.steps_of_igdef(precision)
            alone = self.steps_of_network(tf32)
            print(f"  {precision}: igdef {steps:.1f} steps of an image a second, the network alone "
                  f"{alone:.1f}: share of the rest {max(0.0, 1 - steps / alone):.0%}; "
                  f"memory {memory}", flush=True)
            if not self.args.steps_only:
                _, seconds, _ = self.igdef("--eps", self.eps, "--attack", "autoattack",
                                           "--precision", precision,
                                           *(SHORT if self.trial else []))
                print(f"  {precision}: igdef's AutoAttack {seconds:.1f} s", flush=True)
            if self.args.autoattack is None:
                continue
            other, whole = self.official(tf32)
            print(f"  {precision}: official APGD-CE {other:.1f} steps, igdef {steps / other:.2f} "
                  f"times as many", flush=True)
            if whole is not None:
                print(f"  {precision}: official AutoAttack {whole:.1f} s, {whole / seconds:.2f} "
                      f"times igdef's", flush=True)


class Memory:
    """What a device's memory holds at its most while something runs."""

    def __init__(self, device):
        self.most, self.over = 0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.known = device != "cpu"
        if self.known:
            self.thread.start()

    def watch(self):
        command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        while not self.over.wait(0.2):
            try:
                text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                self.most = max(self.most, int(text.splitlines()[0]))
            except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
                self.known = False
                return

    def stop(self):
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()
        return f"{self.most} MB of the device" if self.known and self.most > 0 else "not known"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--igdef", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--autoattack", help="a copy of fra31/auto-attack")
    parser.add_argument("--networks", default=",".join(SIZES), help="some of them, between commas")
    parser.add_argument("--images", type=int, help="how many, instead of each network's own")
    parser.add_argument("--steps", type=int, help="of APGD-CE, likewise")
    parser.add_argument("--eps", type=float, help="the radius, instead of one that is searched")
    parser.add_argument("--steps-only", action="store_true", help="leave out whole evaluations")
    args = parser.parse_args()
    if args.autoattack is not None:
        sys.path.insert(0, args.autoattack)
    print(f"torch {torch.__version__} on", args.device if args.device == "cpu"
          else torch.cuda.get_device_name(args.device), flush=True)
    for name in args.networks.split(","):
        if name not in SIZES:
            parser.error(f"no network {name}; there are {', '.join(SIZES)}")
        with tempfile.TemporaryDirectory() as folder:
            Bench(name, args, folder).run()


if __name__ == "__main__":
    main()
