#!/usr/bin/env python3
"""Measures predictions of one image against PyTorch's, which has the same file frozen and
optimised, in one process with as many threads.

usage: bench_single.py LIBRARY MODEL CHANNELS,HEIGHT,WIDTH KEEP
"""
import os
import pathlib
import sys
import threading
import time

os.environ["IGDEF_LIBRARY"] = sys.argv[1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import igdef  # noqa: E402

REPEATS = 100


def least(*calls):
    """Least seconds of each, alternating, so that all meet the same noise."""
    best = [float("inf")] * len(calls)
    for call in calls:
        for _ in range(20):
            call()
    for _ in range(REPEATS):
        for k, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[k] = min(best[k], time.perf_counter() - start)
    return best


def throughput(call, num_threads, calls=50):
    """Calls a second by so many threads at once."""
    def work():
        for _ in range(calls):
            call()
    threads = [threading.Thread(target=work) for _ in range(num_threads)]
    start = time.perf_counter()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return num_threads * calls / (time.perf_counter() - start)


def main():
    path, shape = sys.argv[2], tuple(int(v) for v in sys.argv[3].split(","))
    cores = len(os.sched_getaffinity(0))
    igdef.set_num_threads(cores)
    torch.set_num_threads(cores)
    image = np.random.default_rng(0).random((1, *shape), np.float32)
    frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.load(path).eval()))
    tensor = torch.from_numpy(image)
    model = igdef.Model(path, shape)
    ranking = igdef.Ranking.random(model, "penultimate")
    defense = igdef.Defense(model, ranking, keep=int(sys.argv[4]))
    with torch.no_grad():
        theirs, ours, defended = least(lambda: frozen(tensor), lambda: model.predict(image),
                                       lambda: defense.predict(image))
    print(f"one image / the same in PyTorch                {ours / theirs:7.2f}  (at most 1.1)")
    print(f"one image defended / undefended in PyTorch     {defended / theirs:7.2f}  "
          "(at most 2.2)")
    igdef.set_num_threads(1)
    alone = max(throughput(lambda: model.predict(image), 1) for _ in range(3))
    many = max(throughput(lambda: model.predict(image), 4) for _ in range(3))
    wanted = 3.2 if cores >= 4 else 1.8
    print(f"images a second by 4 threads / by 1, {cores} cores   {many / alone:7.2f}  "
          f"(at least {wanted})")


main()
