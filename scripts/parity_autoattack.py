#!/usr/bin/env python3
"""Run the official AutoAttack on the model and images of an igdef result, and compare.

Takes a copy of github.com/fra31/auto-attack and what `igdef eval --attack autoattack -o
RESULT.json` wrote. The attacks are the official ones with the settings that the result
records (steps, restarts, targets, queries); images that one attack leaves robust go on to
the next, as in its driver. Random draws differ between the two programs, so single flags
may too; accuracies should agree within a few images.

    git clone https://github.com/fra31/auto-attack
    igdef eval --model m.pt --data DATA --count 200 --attack autoattack -o result.json
    scripts/parity_autoattack.py auto-attack result.json
"""
import argparse
import collections
import gzip
import json
import os
import sys
import time

import numpy as np
import torch

STAGES = ("apgd-ce", "apgd-dlr", "apgd-t", "fab", "fab-t", "square")


def read_idx(folder, split):
    prefix = "t10k" if split == "test" else "train"
    arrays = []
    for kind, header in (("images-idx3", 16), ("labels-idx1", 8)):
        path = os.path.join(folder, f"{prefix}-{kind}-ubyte")
        data = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()
        arrays.append((np.frombuffer(data[:header], ">i4"), np.frombuffer(data, np.uint8, offset=header)))
    (sizes, pixels), (_, labels) = arrays
    return pixels.reshape(-1, 1, sizes[2], sizes[3]), labels


def read_cifar(folder, split):
    names = ["test_batch.bin"] if split == "test" else [f"data_batch_{i}.bin" for i in range(1, 6)]
    paths = [os.path.join(folder, name) for name in names]
    records = np.concatenate([np.fromfile(path, np.uint8).reshape(-1, 3073)
                              for path in paths if os.path.exists(path)])
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def read_images(data, images, labels):
    """Pixels [N, C, H, W] in [0, 1] and labels [N] of the whole split."""
    if images is not None:
        x, y = np.load(images), np.load(labels)
        if x.ndim == 4 and x.shape[1] > 4 >= x.shape[3]:
            x = x.transpose(0, 3, 1, 2)
    elif os.path.exists(os.path.join(data["path"], "test_batch.bin")):
        x, y = read_cifar(data["path"], data["split"])
    else:
        x, y = read_idx(data["path"], data["split"])
    if x.dtype == np.uint8:
        x = x.astype(np.float32) / np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(x, np.float32)), torch.from_numpy(y.astype(np.int64))


def make_attacks(folder, model, result, device):
    """The official attack objects for the stages of the result, in its order."""
    sys.path.insert(0, folder)
    from autoattack.autopgd_base import APGDAttack, APGDAttack_targeted
    from autoattack.fab_pt import FABAttack_PT
    from autoattack.square import SquareAttack

    norm, eps = result["threat"]["norm"], result["threat"]["eps"]
    attacks = collections.OrderedDict()
    for entry in result["settings"]["attacks"]:
        name = entry["name"]
        if name not in STAGES:
            continue
        p = entry["runs"][0]["parameters"]
        common = dict(norm=norm, eps=eps, seed=result["seed"], device=device, verbose=False,
                      n_restarts=int(p["restarts"]))
        if name in ("apgd-ce", "apgd-dlr"):
            attacks[name] = APGDAttack(model, n_iter=int(p["steps"]), eot_iter=int(p["eot"]),
                                       rho=p["rho"], loss=name[5:], **common)
        elif name == "apgd-t":
            attacks[name] = APGDAttack_targeted(model, n_iter=int(p["steps"]), rho=p["rho"],
                                                n_target_classes=int(p["targets"]), **common)
        elif name in ("fab", "fab-t"):
            attacks[name] = FABAttack_PT(model, n_iter=int(p["steps"]), alpha_max=p["alpha_max"],
                                         eta=p["eta"], beta=p["beta"], targeted=name == "fab-t",
                                         n_target_classes=int(p.get("targets", 9)), **common)
        else:
            attacks[name] = SquareAttack(model, n_queries=int(p["queries"]), p_init=p["p_init"],
                                         resc_schedule=bool(p["rescale"]),
                                         loss="ce" if p["ce"] else "margin", **common)
    if not attacks:
        sys.exit("the result holds none of " + ", ".join(STAGES))
    return attacks


def run_official(attacks, model, x, y, batch_size):
    """The stage that broke each image: "clean", an attack's name, or None."""
    with torch.no_grad():
        correct = torch.cat([model(b).argmax(1) for b in x.split(batch_size)]) == y
    fooled_by = [None if c else "clean" for c in correct.tolist()]
    for name, attack in attacks.items():
        left = torch.tensor([i for i, by in enumerate(fooled_by) if by is None], dtype=torch.long)
        begin = time.perf_counter()
        for batch in left.split(batch_size):
            if len(batch) == 0:
                continue
            x_adv = attack.perturb(x[batch], y[batch])
            with torch.no_grad():
                wrong = model(x_adv).argmax(1) != y[batch]
            for i in batch[wrong].tolist():
                fooled_by[i] = name
        print(f"official {name}: {time.perf_counter() - begin:.1f} s", file=sys.stderr)
    return fooled_by


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("autoattack", help="folder of a copy of fra31/auto-attack")
    parser.add_argument("result", help="RESULT.json; RESULT.images.jsonl lies beside it")
    parser.add_argument("--exported", help="what `igdef defend --export` wrote, where the "
                        "result is of a defended model; without smoothing, to be comparable")
    parser.add_argument("--images", help="images.npy, where the data were arrays")
    parser.add_argument("--labels", help="labels.npy")
    parser.add_argument("--batch-size", type=int, default=250)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tolerance", type=float, default=0.01,
                        help="how far robust accuracies may differ (default 0.01)")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    with open(args.result) as f:
        result = json.load(f)
    with open(os.path.splitext(args.result)[0] + ".images.jsonl") as f:
        rows = [json.loads(line) for line in f]
    if (result["defense"] is not None) != (args.exported is not None):
        sys.exit(f"{args.result}: --exported goes with the result of a defended model")

    path = args.exported or result["model"]["path"]
    module = torch.jit.load(path, map_location=args.device).eval()
    for p in module.parameters():
        p.requires_grad_(False)
    x, y = read_images(result["data"], args.images, args.labels)
    index = torch.tensor([row["index"] for row in rows])
    x, y = x[index].to(args.device), y[index].to(args.device)
    if y.tolist() != [row["label"] for row in rows]:
        sys.exit(f"{args.result}: labels differ from those of the data")

    model = lambda images: module(images)  # the attacks want a function
    attacks = make_attacks(args.autoattack, model, result, args.device)
    official = run_official(attacks, model, x, y, args.batch_size)
    igdef = [None if row["robust"] else row["fooled_by"] for row in rows]

    print(f"{'stage':<10} {'official':>10} {'igdef':>10}   images broken there")
    counts = [collections.Counter(by) for by in (official, igdef)]
    for name in ["clean", *attacks]:
        print(f"{name:<10} {counts[0][name]:>10} {counts[1][name]:>10}")
    accs = [c[None] / len(rows) for c in counts]
    print(f"{'robust':<10} {accs[0]:>9.2%} {accs[1]:>9.2%}")
    differ = [row["index"] for row, a, b in zip(rows, official, igdef) if (a is None) != (b is None)]
    print(f"flags differ on {len(differ)} of {len(rows)} images: {differ}")
    if abs(accs[0] - accs[1]) > args.tolerance:
        sys.exit(f"robust accuracies differ by more than {args.tolerance}")


if __name__ == "__main__":
    main()
