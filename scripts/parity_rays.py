#!/usr/bin/env python3
"""Run the official RayS on the model and images of an igdef result, and compare distances.

RayS draws nothing at random, so both programs should walk the same way. Takes a copy of
github.com/uclaml/RayS and what igdef wrote with eps 1, where every image found lies in the ball and
the file of adversarial images therefore holds where the search ended:

    git clone https://github.com/uclaml/RayS
    igdef eval --model m.pt --data DATA --count 50 --attack rays --eps 1 --set rays.queries=2000 \\
        --no-shortcuts --save-adversarial adv.npy -o result.json
    scripts/parity_rays.py RayS result.json adv.npy
"""
import argparse
import json
import os
import sys
import types

import numpy as np
import torch

from parity_autoattack import read_images


def official_distances(folder, module, x, y, queries):
    """Linf norms that the official search ends at."""
    torch.Tensor.cuda = lambda self, *_: self  # it knows no other device
    sys.modules["pgbar"] = types.SimpleNamespace(progress_bar=lambda *_: None)
    sys.path.insert(0, folder)
    from RayS import RayS

    def predict_label(images):
        with torch.no_grad():
            return module(images).argmax(1)

    attack = RayS(types.SimpleNamespace(predict_label=predict_label), epsilon=1.0)
    _, _, distances, _ = attack(x, y, query_limit=queries)
    return distances.numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rays", help="folder of a copy of uclaml/RayS")
    parser.add_argument("result", help="RESULT.json; RESULT.images.jsonl lies beside it")
    parser.add_argument("adversarial", help="what --save-adversarial wrote")
    parser.add_argument("--images", help="images.npy, where the data were arrays")
    parser.add_argument("--labels", help="labels.npy")
    parser.add_argument("--tolerance", type=float, default=1e-3,
                        help="how far the mean distances may differ (default 0.001)")
    args = parser.parse_args()

    with open(args.result) as f:
        result = json.load(f)
    with open(os.path.splitext(args.result)[0] + ".images.jsonl") as f:
        rows = [json.loads(line) for line in f]
    entry, = (a for a in result["settings"]["attacks"] if a["name"] == "rays")
    queries = int(entry["runs"][0]["parameters"]["queries"])
    module = torch.jit.load(result["model"]["path"]).eval()
    x, y = read_images(result["data"], args.images, args.labels)
    index = [row["index"] for row in rows]
    x, y = x[index], y[index]
    ours = np.abs(np.load(args.adversarial) - x.numpy()).reshape(len(x), -1).max(1)
    with torch.no_grad():
        correct = (module(x).argmax(1) == y).numpy()
    theirs = official_distances(args.rays, module, x[correct], y[correct], queries)
    ours = ours[correct]

    differ = np.abs(ours - theirs)
    print(f"{correct.sum()} images, {queries} queries: mean distance igdef {ours.mean():.6f}, "
          f"official {theirs.mean():.6f}")
    print(f"largest difference {differ.max():.2e}, median {np.median(differ):.2e}, "
          f"{(differ > 1e-6).sum()} images differ by more than 1e-6")
    if abs(ours.mean() - theirs.mean()) > args.tolerance:
        sys.exit(f"mean distances differ by more than {args.tolerance}")


if __name__ == "__main__":
    main()
