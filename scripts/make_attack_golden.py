#!/usr/bin/env python3
"""Makes tests/golden/attacks.safetensors: every point at which the published code of an attack asks
a two-layer network, the flag it comes to, and its adversarial image.

The published code runs in double precision on the random numbers that igdef draws, which are
computed here anew (Philox 4x32-10), so the C test follows it point by point. Needs PyTorch and
copies of the repositories:

    git clone https://github.com/fra31/auto-attack
    git clone https://github.com/uclaml/RayS
    git clone https://github.com/locuslab/fast_adversarial
    git clone https://github.com/val-iisc/GAMA-GAT
    git clone https://github.com/odeliamel/MALT
    scripts/make_attack_golden.py . tests/golden/attacks.safetensors

usage: make_attack_golden.py FOLDER_OF_THE_COPIES OUTPUT
"""
import ast
import json
import math
import pathlib
import struct
import sys
import types

import numpy as np
import torch
import torch.nn.functional as F

SHAPE = (3, 5, 5)
NUM_PIXELS = math.prod(SHAPE)
NUM_CLASSES, NUM_HIDDEN = 10, 16
NOISE = 0.02  # of the network's logits, where an attack averages over draws


# igdef's random numbers.

M64 = (1 << 64) - 1


def mix(v):
    v = (v + 0x9E3779B97F4A7C15) & M64
    v = ((v ^ (v >> 30)) * 0xBF58476D1CE4E5B9) & M64
    v = ((v ^ (v >> 27)) * 0x94D049BB133111EB) & M64
    return v ^ (v >> 31)


class Stream:
    def __init__(self, purpose, image=0, run=0, counter=0, seed=0):
        key = mix(seed)
        for byte in purpose.encode():
            key = mix(key ^ byte)
        self.key = key & 0xFFFFFFFF, key >> 32
        self.fixed = image, counter, run

    def block(self, index):
        c = [index, *self.fixed]
        k0, k1 = self.key
        for _ in range(10):
            a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [(b >> 32) ^ c[1] ^ k0, b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k1, a & 0xFFFFFFFF]
            k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
        return c

    def words(self, n):
        return [w for i in range(-(-n // 4)) for w in self.block(i)][:n]

    def uniform(self, n):
        return np.array([(w >> 8) * 2.0**-24 for w in self.words(n)])

    def normal(self, n):
        u = self.uniform(2 * (-(-n // 2)))
        radius, turns = np.sqrt(-2 * np.log(1 - u[0::2])), 2 * np.pi * u[1::2]
        return np.stack([radius * np.cos(turns), radius * np.sin(turns)], 1).ravel()[:n]

    def sign(self, number):
        word = self.block(number // 128)[number // 32 % 4]
        return 1.0 if word >> (number % 32) & 1 else -1.0


class Numbers:
    """Stands in for torch's random numbers: what was put in comes out, in that order."""

    def __init__(self):
        self.queue = []

    def take(self, shape):
        values = torch.as_tensor(np.asarray(next(self.queue)), dtype=torch.float64)
        return values.reshape(tuple(shape))


numbers = Numbers()
torch.set_default_dtype(torch.float64)
torch.Tensor.float = torch.Tensor.double
torch.Tensor.cuda = lambda self, *_: self
torch.FloatTensor = torch.DoubleTensor
torch.float = torch.float64
torch.rand = lambda *shape, **_: numbers.take(shape[0] if len(shape) == 1 else shape)
torch.randn = torch.rand
torch.rand_like = lambda x, **_: numbers.take(x.shape)
torch.randn_like = torch.rand_like


class Network:
    """z = w2 |w1 x + b1|, which notes the points that it is asked for, but for the image itself."""

    training = False

    def __init__(self):
        scale = Stream("parity w1"), Stream("parity b1"), Stream("parity w2")
        self.w1 = self.rounded(scale[0].normal(NUM_HIDDEN * NUM_PIXELS) / math.sqrt(NUM_PIXELS),
                               NUM_HIDDEN, NUM_PIXELS)
        self.b1 = self.rounded(scale[1].normal(NUM_HIDDEN) / 4, NUM_HIDDEN)
        self.w2 = self.rounded(scale[2].normal(NUM_CLASSES * NUM_HIDDEN) / math.sqrt(NUM_HIDDEN),
                               NUM_CLASSES, NUM_HIDDEN)
        self.noise = self.rounded(NOISE * Stream("parity noise").normal(128 * NUM_CLASSES),
                                  128, NUM_CLASSES)
        self.begin(None)

    @staticmethod
    def rounded(values, *shape):
        return torch.as_tensor(values.astype(np.float32).astype(np.float64)).reshape(shape)

    def begin(self, image, samples=0):
        """From now on points are noted; `samples` draws of noise a point, 0 for none."""
        self.image, self.samples, self.points, self.asked = image, samples, [], 0

    def plain(self, x):
        return (x.reshape(len(x), -1) @ self.w1.T + self.b1).abs() @ self.w2.T

    def __call__(self, x):
        z = self.plain(x)
        if self.image is None or torch.equal(x.detach(), self.image):
            return z
        if self.samples == 0 or self.asked % self.samples == 0:
            self.points.append(x.detach().numpy().ravel().copy())
        if self.samples > 0:
            z = z + self.noise[self.asked]
        self.asked += 1
        return z

    def predict_label(self, x):
        return self(x).argmax(1)

    def zero_grad(self, **_):
        pass


def functions(path, names, scope):
    """Functions of a script that does more than define them."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body
                 if isinstance(node, ast.FunctionDef) and node.name in names]
    exec(compile(tree, str(path), "exec"), scope)
    return scope


net = Network()
arrays, cases = {}, {}


def image_of(number):
    """Images that touch 0 and 1, but for the last, which stays in [0, 1] wherever it is moved."""
    u = Stream("parity image", number).uniform(NUM_PIXELS)
    x = np.clip(1.4 * u - 0.2, 0, 1) if number < 2 else 0.3 + 0.4 * u
    return torch.as_tensor(x.astype(np.float32).astype(np.float64)).reshape(1, *SHAPE)


def record(attack, norm, eps, image, parameters, run, samples=0):
    """run(x, y) gives the adversarial image, or x where it found none."""
    x = image_of(image)
    y = net.plain(x).argmax(1)
    net.begin(x, samples)
    x_adv = run(x.clone(), y).detach()
    points = np.array(net.points, np.float32)
    net.begin(None)
    # A draw may mislead where the network without noise is not misled.
    fooled = bool(net.plain(x_adv).argmax(1) != y) if samples == 0 else not torch.equal(x_adv, x)
    name = f"{len(cases):02d}"
    text = " ".join(f"{k}={v:g}" for k, v in parameters.items())
    cases[name] = f"{attack} {norm} {eps:g} {image} {samples} {int(fooled)} {text}".strip()
    arrays[f"{name}.points"] = points
    if fooled:
        arrays[f"{name}.x_adv"] = x_adv.numpy().ravel().astype(np.float32)
    print(f"{name} {cases[name]}: {len(points)} points")


# APGD.

def starts(name, norm, image, stages):
    run = 0
    while True:
        s = Stream(name, image, run)
        yield s.uniform(NUM_PIXELS) if norm == "Linf" else s.normal(NUM_PIXELS)
        for _ in range(stages):  # which draw a start of their own and do not use it
            yield np.zeros(NUM_PIXELS)
        run += 1


def apgd(name, norm, eps, image, loss=None, samples=0, **parameters):
    import autoattack.autopgd_base as base
    # Rounding leaves traces where the projection takes a pixel back to where it was. How many
    # pixels move next is a product that is truncated, so that is computed in float as published.
    base.L0_norm = lambda x: (x.abs() > 1e-9).view(x.shape[0], -1).sum(-1).to(torch.float32)
    base.check_zero_gradients = lambda *_, **__: None
    p = dict(steps=20, restarts=1)
    p.update(parameters)
    staged = norm == "L1" and p.get("large_radii", 1) == 1
    common = dict(n_iter=p["steps"], norm=norm, n_restarts=p["restarts"], eps=eps,
                  eot_iter=max(samples, 1), use_largereps=staged)

    def run(x, y):
        numbers.queue = starts(name, norm, image, 3 if staged else 0)
        if "targets" in p:
            attack = base.APGDAttack_targeted(net, n_target_classes=p["targets"], **common)
            return attack.perturb(x, y)
        x_adv = x
        for kind in loss if isinstance(loss, tuple) else (loss,):
            attack = base.APGDAttack(net, loss="ce" if kind == "ce" else "dlr", **common)
            if kind in OTHER_LOSSES:
                attack.dlr_loss = OTHER_LOSSES[kind]
            if torch.equal(x_adv, x):
                x_adv = attack.perturb(x, y)
        return x_adv

    if samples > 0:
        p.update(eot=samples, eot_compat=1)
    record(name, norm, eps, image, p, run, samples)


def margin(z, y):
    own = torch.nn.functional.one_hot(y, z.shape[1]).bool()
    return z.masked_fill(own, -math.inf).max(1).values - z[own]


OTHER_LOSSES = {"cw": margin, "margin": lambda z, y: margin(z.softmax(1), y)}


# The others.

def fab(norm, eps, image, steps, targets=None, restarts=1):
    from autoattack.fab_pt import FABAttack_PT
    name = "fab" if targets is None else "fab-t"
    parameters = dict(steps=steps, restarts=restarts)
    if targets is not None:
        parameters["targets"] = targets

    def random_starts():
        for run in range(1000):
            if run % restarts > 0:
                s = Stream(name, image, run)
                yield s.uniform(NUM_PIXELS) if norm == "Linf" else s.normal(NUM_PIXELS)

    def run(x, y):
        numbers.queue = random_starts()
        attack = FABAttack_PT(net, norm=norm, n_restarts=restarts, n_iter=steps, eps=eps,
                              targeted=targets is not None, n_target_classes=targets or 9)
        search = attack.attack_single_run

        def search_alone(*args, **kwargs):
            found = search(*args, **kwargs)
            net.image = found  # the driver asks about it once more
            return found

        def predict(z):
            out = net(z)
            net.image = x
            return out

        attack.attack_single_run = search_alone
        attack.predict = predict
        return attack.perturb(x, y)

    record(name, norm, eps, image, parameters, run)


def square(norm, eps, image, queries):
    from autoattack.square import SquareAttack
    channels, height, width = SHAPE

    def signs(stream, number, shape):
        count = math.prod(shape)
        return torch.tensor([stream.sign(number * count + i) for i in range(count)]).reshape(shape)

    def run(x, y):
        attack = SquareAttack(net, norm=norm, eps=eps, n_queries=queries, resc_schedule=False)
        state = types.SimpleNamespace(step=-1, tile=0, places=0)

        def random_int(low=0, high=1, shape=(1,)):
            places = 2 if norm == "Linf" else 4
            if state.places % places == 0:
                state.step += 1
            word = Stream("square window", counter=state.step).words(4)[state.places % places]
            state.places += 1
            return torch.tensor([low + (word * (high - low) >> 32)])

        def random_choice(shape):
            if state.step >= 0 and norm == "Linf":
                return signs(Stream("square colour", counter=state.step), 0, shape)
            stream = Stream("square", image, counter=state.step + 1)
            if state.step >= 0 or norm == "Linf":
                return signs(stream, 0, shape)
            state.tile += 1
            return signs(stream, state.tile - 1, shape)

        def turns():
            while True:
                tile = state.tile if state.step < 0 else 0
                yield [0.5 + 0.25 * Stream("square turn", counter=state.step + 1).sign(tile)]

        attack.random_int, attack.random_choice = random_int, random_choice
        numbers.queue = turns()
        search = attack.attack_single_run

        def search_alone(*args, **kwargs):
            found = search(*args, **kwargs)
            net.image = found[1]
            return found

        attack.attack_single_run = search_alone
        return attack.perturb(x, y)

    record("square", norm, eps, image, dict(queries=queries, compat=1), run)


def rays(eps, image, queries):
    sys.modules["pgbar"] = types.SimpleNamespace(progress_bar=lambda *_: None)
    from RayS import RayS

    def run(x, y):
        attack = RayS(net, epsilon=eps)
        x_adv, _, distance, _ = attack(x, y, query_limit=queries)
        return x_adv if distance <= eps else x

    record("rays", "Linf", eps, image, dict(queries=queries), run)


def pgd(copies, name, eps, image, step_size, **parameters):
    limit = torch.ones(SHAPE[0], 1, 1)
    scope = functions(copies / "fast_adversarial/CIFAR10/utils.py", ["attack_pgd", "clamp"],
                      dict(torch=torch, F=F, lower_limit=0 * limit, upper_limit=limit))

    def run(x, y):
        noise = iter(2 * Stream(name, image).uniform(NUM_PIXELS).reshape(SHAPE) - 1)
        kept = torch.Tensor.uniform_
        torch.Tensor.uniform_ = lambda self, _, high: self.copy_(high * torch.tensor(next(noise)))
        delta = scope["attack_pgd"](net, x, y, eps * limit, step_size * eps * limit,
                                    parameters.get("steps", 1), 1)
        torch.Tensor.uniform_ = kept
        return x + delta

    record(name, "Linf", eps, image, parameters, run)


def gama(copies, eps, image, steps, decay):
    def variable(x, requires_grad=False):
        return x.detach().requires_grad_(requires_grad)

    scope = functions(copies / "GAMA-GAT/GAMA/GAMA_PGD.py", ["GAMA_PGD", "max_margin_loss"],
                      dict(torch=torch, nn=torch.nn, np=np, zero_gradients=lambda _: None,
                           Variable=variable))

    def run(x, y):
        noise = Stream("gama-pgd", image).uniform(NUM_PIXELS).reshape(1, *SHAPE)
        kept = np.random.uniform
        np.random.uniform = lambda low, high, _: low + (high - low) * noise
        x_adv = scope["GAMA_PGD"](net, x, y, eps, 2 * eps, torch.tensor([[0.0, 1.0]] * SHAPE[0]),
                                  steps, 50, decay, [steps * 60 // 100, steps * 85 // 100], 10)
        np.random.uniform = kept
        # It asks anew about the start in every step, and never about the last point.
        net.points = [p for i, p in enumerate(net.points) if i % 2 == 1]
        net(x_adv)
        return x_adv

    record("gama-pgd", "Linf", eps, image, dict(steps=steps, lambda_steps=decay, last=1), run)


def malt(copies, norm, eps, image, targets):
    """The published order of targets, and in it APGD, which there is another package's."""
    import autoattack.autopgd_base as base
    sys.path.insert(0, str(copies / "MALT"))
    import targeting

    def run(x, y):
        image_asked, net.image = net.image, None  # the gradients are all of the image itself
        order = targeting.get_k_best_target_classes(
            net, x, y, {"Linf": math.inf, "L2": 2}[norm], topk=targets, testk=100)
        net.image = image_asked
        numbers.queue = starts("malt", norm, image, 0)
        attack = base.APGDAttack_targeted(net, n_iter=8, norm=norm, eps=eps)
        attack.init_hyperparam(x)
        for target in order[0]:
            attack.y_target = target.reshape(1)
            _, robust, _, x_adv = attack.attack_single_run(x, y)
            if not robust.all():
                return x_adv
        return x

    record("malt", norm, eps, image, dict(steps=8, targets=targets), run)


def write(path):
    header, start, data = {"__metadata__": cases}, 0, b""
    for name, array in sorted(arrays.items()):
        raw = np.ascontiguousarray(array, "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape),
                        "data_offsets": [start, start + len(raw)]}
        start += len(raw)
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path}: {path.stat().st_size} bytes, {len(cases)} cases")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    copies, path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    sys.path[:0] = [str(copies / "auto-attack"), str(copies / "RayS")]
    arrays.update({"net.w1": net.w1.numpy(), "net.b1": net.b1.numpy(), "net.w2": net.w2.numpy(),
                   "net.noise": net.noise.numpy(),
                   "images": torch.cat([image_of(i) for i in range(3)]).numpy().reshape(3, -1)})
    for norm, near, far in (("Linf", 0.008, 0.03), ("L2", 0.08, 0.25), ("L1", 0.25, 2.0)):
        apgd("apgd-ce", norm, far, 0, "ce")
        apgd("apgd-ce", norm, near, 1, "ce", restarts=2)
        apgd("apgd-dlr", norm, near, 1, "dlr")
        apgd("apgd-t", norm, near, 1, targets=2)
        fab(norm, far, 0, 8, targets=2)
        fab(norm, near, 1, 4, targets=2, restarts=2)
        square(norm, near, 1, 20)
    apgd("apgd-ce", "L1", 0.5, 1, "ce", steps=60, large_radii=0)
    apgd("apgd-cw", "Linf", 0.008, 1, "cw")
    apgd("apgd-pma", "Linf", 0.008, 1, "margin")
    apgd("apgd-eot", "Linf", 0.004, 1, ("ce", "dlr"), samples=3)
    fab("Linf", 0.03, 0, 6)
    square("Linf", 0.025, 0, 60)
    rays(0.03, 1, 90)
    pgd(copies, "pgd", 0.008, 1, 0.25, steps=10)
    pgd(copies, "fgsm", 0.008, 1, 1.25, random_start=1)
    gama(copies, 0.02, 2, 20, 5)
    malt(copies, "Linf", 0.001, 2, 3)
    malt(copies, "L2", 0.01, 2, 3)
    write(path)


if __name__ == "__main__":
    main()
