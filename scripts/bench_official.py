#!/usr/bin/env python3
"""Seconds that the official Python code takes for an evaluation: the other side of `igdef eval`.

    scripts/bench_official.py autoattack --autoattack DIR --model M.pt --data DATA --count 64 --eps 0.1
    scripts/bench_official.py square ...      one attack of AutoAttack's, with its settings
    scripts/bench_official.py rays --rays DIR ...
    scripts/bench_official.py worst-case --rays DIR --ranking R.safetensors --keep 20 --sigma 0.05 ...

DIR are copies of github.com/fra31/auto-attack and github.com/uclaml/RayS. The network is rebuilt as
a plain nn.Module with the file's weights, because users of Python attack such modules, and its
parameters are left as loading leaves them. `worst-case` runs the nine attacks one by one on every
image, as the paper describes; the official code has no CW loss, DLR stands in for its cost. Prints
the seconds of wall time, those of all processors, and how many images stay classified correctly
("-" for worst-case).
"""
import argparse
import contextlib
import json
import struct
import sys
import time
import types

import numpy as np
import torch
from torch import nn

from bench_pgd import ResNet
from parity_autoattack import read_images


def masks_of(path, keep):
    """[classes, neurons], 1 for the `keep` most important neurons of a ranking."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        first, last = header["score"]["data_offsets"]
        score = np.frombuffer(f.read()[first:last], "<f4").reshape(header["score"]["shape"])
    masks = np.zeros_like(score)
    np.put_along_axis(masks, np.argsort(-score, 1, kind="stable")[:, :keep], 1, 1)
    return torch.from_numpy(masks)


class Defended(nn.Module):
    """The masked second pass at the penultimate layer."""

    def __init__(self, base, masks, sigma):
        super().__init__()
        self.base, self.masks, self.sigma = base, masks, sigma

    def forward(self, x):
        first = self.base(x + self.sigma * torch.randn_like(x))
        mask = torch.softmax(first / 0.01, 1) @ self.masks
        return self.base.linear(self.base.features(x) * mask)


class Attacks:
    def __init__(self, args):
        sys.path[:0] = [p for p in (args.autoattack, args.rays) if p]
        self.args = args

    def ensemble(self, model, x, y, version="standard", only=None):
        from autoattack import AutoAttack
        adversary = AutoAttack(model, norm="Linf", eps=self.args.eps, seed=0, verbose=False,
                               version="custom" if only else version,
                               attacks_to_run=[only] if only else [], device="cpu")
        if only:  # settings of the standard version
            adversary.fab.n_restarts = adversary.apgd.n_restarts = 1
            adversary.fab.n_target_classes = adversary.apgd_targeted.n_target_classes = 9
        return adversary.run_standard_evaluation(x, y, bs=250)

    def apgd(self, model, x, y, loss, targets=0):
        from autoattack.autopgd_base import APGDAttack, APGDAttack_targeted
        common = dict(n_iter=100, norm="Linf", eps=self.args.eps, seed=0, device="cpu",
                      n_restarts=1, verbose=False)
        if targets:
            return APGDAttack_targeted(model, n_target_classes=targets, **common).perturb(x, y)
        return APGDAttack(model, loss=loss, **common).perturb(x, y, best_loss=True)[0]

    def rays(self, model, x, y):
        torch.Tensor.cuda = lambda self, *_: self  # it knows no other device
        sys.modules["pgbar"] = types.SimpleNamespace(progress_bar=lambda *_: None)
        from RayS import RayS

        def predict_label(images):
            with torch.no_grad():
                return model(images).argmax(1)

        attack = RayS(types.SimpleNamespace(predict_label=predict_label), epsilon=self.args.eps)
        with contextlib.redirect_stdout(sys.stderr):  # it says when it is out of queries
            return attack(x, y, query_limit=10000)

    def nine(self, base, defended, x, y):
        sets = [self.ensemble(defended, x, y), self.rays(defended, x, y)[0],
                self.ensemble(defended, x, y, "rand"), self.apgd(base, x, y, "ce"),
                self.apgd(base, x, y, "dlr"), self.apgd(base, x, y, None, targets=3),
                self.ensemble(base, x, y), self.rays(base, x, y)[0], self.ensemble(base, x, y, "rand")]
        with torch.no_grad():
            for x_adv in sets:
                defended(x_adv)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", help="autoattack, worst-case, rays, or an attack of AutoAttack's")
    parser.add_argument("--autoattack", required=True)
    parser.add_argument("--rays")
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--eps", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--ranking")
    parser.add_argument("--keep", type=int)
    parser.add_argument("--sigma", type=float)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    script = torch.jit.load(args.model).eval()
    base = ResNet(script.state_dict()).eval()
    x, y = read_images({"path": args.data, "split": "test"}, None, None)
    x, y = x[args.first:args.first + args.count], y[args.first:args.first + args.count]
    with torch.no_grad():
        assert (base(x) - script(x)).abs().max() < 1e-3, "the network was not rebuilt right"
    attacks = Attacks(args)
    robust = "-"
    begin, processors = time.monotonic(), time.process_time()
    with torch.enable_grad():
        if args.what == "worst-case":
            defended = Defended(base, masks_of(args.ranking, args.keep), args.sigma).eval()
            attacks.nine(base, defended, x, y)
        elif args.what == "rays":  # as its own scripts do: of what is right when clean
            with torch.no_grad():
                right = base(x).argmax(1) == y
            found = attacks.rays(base, x[right], y[right])[3]
            robust = int((~found).sum())
        else:
            only = None if args.what == "autoattack" else args.what
            x_adv = attacks.ensemble(base, x, y, only=only)
            with torch.no_grad():
                robust = int((base(x_adv).argmax(1) == y).sum())
    print(f"{time.monotonic() - begin:.3f} {time.process_time() - processors:.3f} {robust}")


if __name__ == "__main__":
    main()
