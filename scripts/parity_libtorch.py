#!/usr/bin/env python3
"""Compares the flags that two builds of igdef find, each beside a libtorch of its own, or one build
on two devices.

The bundled models, without a defense and with two, go through every attack under every norm that it
knows, with short attacks. Prints each image whose flag differs; exit code 1 if there is one.

usage: parity_libtorch.py IGDEF OTHER_IGDEF [--count 64] [--defended 16] [--threads 2]
                          [--device cuda]     the device of the second
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "tests/data/fashion_resnet.pt"
SODEF = ROOT / "tests/data/fashion_sodef.pt"
DATA = "/usr/share/datasets/fashion-mnist"
RADII = {"Linf": "0.1", "L2": "1.5", "L1": "12"}
# What makes an attack short, where it has such a parameter.
SHORT = {"steps": 10, "restarts": 1, "targets": 2, "queries": 100}


def run(igdef, *arguments):
    done = subprocess.run([igdef, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{igdef} {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def attacks(igdef):
    """Each attack's norms, as `igdef help attacks` lists them."""
    text = run(igdef, "help", "attacks").split("Ensembles:")[0]
    found = re.findall(r"^  (\S+) [^()]*(?:\n {3}[^()]*)*\(([^)]*)\)", text, re.M)
    return {name: norms.split(", ") for name, norms in found}


def short(igdef, attack):
    words = run(igdef, "help", attack)
    return [f"{attack}.{name}={value}" for name, value in SHORT.items()
            if re.search(rf"^\s+{attack}\.{name}\b|^\s+{name}\b", words, re.M)]


def flags(igdef, names, settings, norm, count, more, folder):
    result = Path(folder) / "result.json"
    run(igdef, "eval", "--model", MODEL, "--data", DATA, "--count", count, "--norm", norm,
        "--eps", RADII[norm], "--attack", ",".join(names), "--set", ",".join(settings),
        "--report", "per-attack", "--no-checks", "--no-bounds", "--quiet", "--restart",
        "--output", result, *more)
    lines = (Path(folder) / "result.images.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("igdef", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--defended", type=int, help="images for defenses; a quarter of --count")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    # Passes of a defense are many; fewer images take as long.
    defended = options.defended or options.count // 4
    builds = [options.igdef.resolve(), options.other.resolve()]
    devices = ["cpu", options.device]
    for build, device in zip(builds, devices):
        print(build, re.search("libtorch [^,]*", run(build, "--version"))[0], f"on {device}",
              flush=True)
    known = attacks(builds[0])
    settings = {name: short(builds[0], name) for name in known}
    settings["apgd-eot"].append("apgd-eot.eot=2")
    compared = differing = 0
    with tempfile.TemporaryDirectory() as folder:
        ranking = Path(folder) / "ranking.safetensors"
        run(builds[0], "rank", "--model", MODEL, "--data", DATA, "--count", 1000, "--quiet",
            "--output", ranking)
        subjects = {"base": ([], options.count),
                    "lo-ir": (["--ranking", ranking, "--keep", 4], defended),
                    "sodef": (["--defended", SODEF], defended)}
        for subject, (more, count) in subjects.items():
            for norm in RADII:
                names = [name for name, norms in known.items() if norm in norms]
                chosen = [text for name in names for text in settings[name]]
                sides = [flags(build, names, chosen, norm, count,
                               [*more, "--threads", options.threads, "--device", device], folder)
                         for build, device in zip(builds, devices)]
                for one, two in zip(*sides, strict=True):
                    # The first column is the clean image's.
                    for column, a, b in zip(["clean", *names], one["flags"], two["flags"],
                                            strict=True):
                        compared += 1
                        if a != b:
                            differing += 1
                            print(f"{subject} {norm} {column}: image {one['index']} is {a} "
                                  f"with the first, {b} with the second", flush=True)
                print(f"{subject} {norm}: {count} images, {len(names)} attacks", flush=True)
    print(f"{compared} flags compared, {differing} differ")
    sys.exit(differing != 0 or compared == 0)


if __name__ == "__main__":
    main()
