#!/usr/bin/env python3
"""Time CD-IR's similarity stage against its formula in PyTorch, on the same arrays.

Both sides get activations [N, K] and embeddings [N, D], [C, D] and the same number of
threads; both times are of the score alone, files in the page cache. The formula in
PyTorch is written the straightforward way: top-k of every column, gathered softmax rows,
a logarithm each.

    ninja -C build bench_similarity && scripts/bench_similarity.py build/tests/bench_similarity
"""
import argparse
import subprocess
import tempfile
import time

import numpy as np
import torch


def soft_wpmi(activations, images, texts, top_k=100, a=10.0, start=0.998, end=0.97):
    similarity = torch.nn.functional.normalize(images) @ torch.nn.functional.normalize(texts).T
    prob = torch.softmax(a * similarity, dim=1)
    order = torch.topk(activations, dim=0, k=top_k)[1]
    p = (start - torch.arange(top_k) / top_k * (start - end)).unsqueeze(1)
    log = torch.empty(activations.shape[1], texts.shape[0])
    for n in range(activations.shape[1]):
        log[n] = torch.log(1 + p * (prob[order[:, n]] - 1) + 1e-7).sum(dim=0)
    prior = torch.logsumexp(log, dim=0) - np.log(log.shape[0])
    return (log - prior).T


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the built bench_similarity")
    parser.add_argument("--images", type=int, default=50000)
    parser.add_argument("--neurons", type=int, default=512)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--embedding", type=int, default=512)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    activations = torch.relu(torch.randn(args.images, args.neurons))
    images = torch.randn(args.images, args.embedding)
    texts = torch.randn(args.classes, args.embedding)

    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{name}.npy" for name in ("a", "e", "t", "score")]
        for path, array in zip(paths, (activations, images, texts)):
            np.save(path, array.numpy())
        command = [args.program, *paths[:3], "soft-wpmi", str(args.threads), paths[3]]
        ours = min(float(subprocess.run(command, check=True, capture_output=True).stdout)
                   for _ in range(args.repeats))
        score = np.load(paths[3])

    theirs = float("inf")
    for _ in range(args.repeats):
        begin = time.perf_counter()
        want = soft_wpmi(activations, images, texts)
        theirs = min(theirs, time.perf_counter() - begin)

    off = float((torch.from_numpy(score) - want).abs().max() / want.abs().max())
    print(f"{args.images} images x {args.neurons} neurons x {args.classes} classes, "
          f"{args.threads} threads: {ours:.2f} s, PyTorch {theirs:.2f} s")
    print(f"similarity in PyTorch / similarity in igdef       {theirs / ours:5.2f}  (at least 3)")
    if off > 1e-3:
        raise SystemExit(f"the scores differ by {off:.1e} of the largest")


if __name__ == "__main__":
    main()
