#!/usr/bin/env python3
"""Put many architectures through every step of igdef and compare each with its definition.

    zoo.py [PATTERN ...] [--igdef FILE] [--quick] [--limit SECONDS] [--results FILE.json]
           [-o TABLE.md]

A PATTERN chooses names (a part of them, or a shell pattern). Every model has seeded random weights
with sane statistics (exporter/randomize.py) and is first run in float32 and float64: where these
differ by more than a thousandth no comparison would mean anything, and the model counts as failed.
Then:

    export       the exporter writes it, logits and input gradient checked
    inspect      igdef reads it and lists its layers
    penultimate  named where one product yields the logits, refused where several do
    loir         LO-IR at two layers, five neurons each, against its definition in PyTorch
    defense      the exported defended model against its definition: logits
    gradient     the same: input gradients; where float32 does not decide, in float64, which the
                 table says: a ReLU at its edge, or an operation of PyTorch's that is wrong
    attack       APGD on the defended model; its adversarial images are checked in PyTorch

Scores, logits and gradients that differ at one point are compared at up to two more close by,
gradients in float64 at up to 15: at a threshold of the model's own, rounding decides. Packages that
are not installed are left out. --results keeps what was found, model by model: a model that passed
is not run again, so that a run can be stopped and continued. Exit codes: 0 every model passed or
was refused with a reason, 1 something failed, 77 no PyTorch.
"""

import argparse
import contextlib
import copy
import fnmatch
import io
import json
import multiprocessing
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import warnings

try:
    import numpy
    import torch
    from torch import nn
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

import export_torchscript
from exporter.messages import ExportError, reason
from exporter.randomize import plausible_images
from zoo_list import QUICK, entries

STEPS = ("export", "inspect", "penultimate", "loir", "defense", "gradient", "attack")
TOLERANCE = 1e-3  # of the greatest value
DOUBLE_TOLERANCE = 1e-4  # in float64: what batch norms folded in float32 leave
EPS = 8 / 255
FEWEST = 16  # neurons of the second layer: the gates of an excitation move logits hardly at all
# What its scores reach, of the greatest logit: scores are differences of logits, which float32
# rounds by some millionths of it.
SHOWN = 5e-3
# What was too far off at the first point, and its name in the table.
SEVERAL = {"loir_first_off": "LO-IR", "defense_first_off": "logits",
           "gradient_first_off": "gradient"}


class Failed(Exception):
    """A step that failed; the message says how."""


class Refused(Exception):
    """A step that igdef or the exporter refused, with its reason."""


def relative(got, expected):
    scale = float(expected.abs().max())
    return float((got - expected).abs().max()) / scale if scale > 0 else float("inf")


def points(images, num=3):
    """The images, then others close by: an activation that lies at a threshold on one, where
    rounding decides, does not on the next."""
    generator = torch.Generator().manual_seed(4)
    yield images.float()
    for _ in range(num - 1):
        moved = images + 1e-3 * torch.randn(images.shape, generator=generator)
        yield moved.clamp(0, 1).float()


class Model:
    """A model in float64, and the places in it that masks act on."""

    def __init__(self, model, images):
        self.model = copy.deepcopy(model).double()
        self.images = images.double()
        self.modules = dict(self.model.named_modules())
        self.calls = {}
        hooks = [module.register_forward_hook(
            lambda _m, _i, out, name=name: self._called(name, out))
            for name, module in self.modules.items() if name]
        with torch.no_grad():
            self.logits = self.model(self.images)
        for hook in hooks:
            hook.remove()
        self.num_classes = self.logits.shape[1]
        self.heads = [name for name in self.calls
                      if isinstance(self.modules[name], (nn.Linear, nn.Conv2d)) and
                      self.modules[name].weight.shape[0] == self.num_classes]
        if len(self.heads) > 1:
            # An inner layer may happen to have as many channels as there are classes.
            self.heads = [name for name in self.heads if self._moves_one_logit(name)] or self.heads

    def _moves_one_logit(self, name):
        """Whether what is added to channel 0 of a layer's output reaches the first logit alone."""
        def raised(out):
            out = out.clone()
            out.select(1, 0).add_(0.1)
            return out

        with torch.no_grad(), self.changed((name, False), raised):
            moved = (self.model(self.images) - self.logits).abs()
        most = float(moved.max())
        # What rounding moves, as of a softmax that says 1, is no move.
        return most > 1e-9 * float(self.logits.abs().max()) and \
            float(moved[:, 1:].max()) <= 1e-9 * most

    def _called(self, name, out):
        self.calls.setdefault(name, []).append(
            list(out.shape) if isinstance(out, torch.Tensor) else None)

    def head_place(self):
        """(module, whether its input is meant) of what goes into the one product, or None."""
        if "embedding" in self.modules and not self.heads:
            return "embedding", False
        return (self.heads[0], True) if len(self.heads) == 1 else None

    @contextlib.contextmanager
    def changed(self, place, change):
        """While this lasts, activations at a place go through a function."""
        name, before = place
        module = self.modules[name]
        hook = module.register_forward_pre_hook(lambda _m, i: (change(i[0]), *i[1:])) if before \
            else module.register_forward_hook(lambda _m, _i, out: change(out))
        try:
            yield
        finally:
            hook.remove()

    def scores(self, place, axis, neurons, images):
        """LO-IR by its definition: |change of the logit of class c| on the image of class c."""
        found = []
        with torch.no_grad():
            logits = self.model(images)
        for neuron in neurons:
            def without(a):
                a = a.clone()
                a.select(axis, neuron).zero_()
                return a
            with torch.no_grad(), self.changed(place, without):
                found.append((logits - self.model(images)).abs().diagonal())
        return torch.stack(found, 1)  # [C, neurons]

    def defended(self, place, axis, mask, x):
        """Logits of the defended model without smoothing, temperature 1."""
        row = torch.softmax(self.model(x), 1) @ mask  # [N, K]

        def masked(a):
            shape = [1] * a.dim()
            shape[0], shape[axis] = a.shape[0], a.shape[axis]
            return a * row.reshape(shape)

        with self.changed(place, masked):
            return self.model(x)


def read_safetensors(path, name):
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        start, end = header[name]["data_offsets"]
        file.seek(8 + length + start)
        return torch.frombuffer(bytearray(file.read(end - start)), dtype=torch.float32).reshape(
            header[name]["shape"]).double()


class Run:
    """One architecture on its way through the steps, in a folder of its own."""

    def __init__(self, igdef, arguments, folder):
        self.igdef, self.arguments, self.folder = igdef, arguments, folder
        self.result = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self, *argv):
        done = subprocess.run([self.igdef, *argv, "--threads", "1", "--quiet"], text=True,
                              capture_output=True, cwd=self.folder)
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            text = said[-1] if said else ended(done.returncode)
            raise (Refused if done.returncode == 1 else Failed)(text.replace(self.folder + "/", ""))
        return done.stdout

    def export(self):
        args = export_torchscript.arguments([*self.arguments, "-o", self.path("model.pt")])
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                self.source, model = export_torchscript.build(args)
                self.method, _, reference = export_torchscript.write(args, self.source, model)
        except ExportError as error:
            raise Refused(str(error))
        # One of each class, as LO-IR needs.
        images = plausible_images(reference.num_classes, self.source.shape, 7)
        self.eager = Model(model, images)
        with torch.no_grad():
            off = relative(model(images).double(), self.eager.logits)
        if not off <= TOLERANCE:
            raise Failed(f"float32 is {off:.2g} away from float64: nothing can be compared")
        numpy.save(self.path("labels.npy"), numpy.arange(len(images)))

    def inspect(self):
        shape = ",".join(map(str, self.source.shape))
        self.layers = json.loads(self.call("inspect", "model.pt", "--input", shape,
                                           "--json"))["layers"]

    def axis(self, layer):
        """The neuron axis with the batch axis counted; None where the shape does not tell."""
        if "neuron_axis" in layer:
            return layer["neuron_axis"]
        shape, neurons = layer["shape"], layer["num_neurons"]
        fitting = [i + 1 for i, length in enumerate(shape) if length == neurons]
        return fitting[0] if len(fitting) == 1 else None

    def penultimate(self):
        named = [layer for layer in self.layers if layer.get("penultimate")]
        place = self.eager.head_place()
        several = len(self.eager.heads) > 1
        if named and several:
            raise Failed(f"named, though {', '.join(self.eager.heads)} all reach the logits")
        if not named and not several and place is not None and \
                not isinstance(self.eager.modules[place[0]], nn.Conv2d):
            raise Failed(f"not named; it is the input of {place[0]}")
        self.places = []
        if named and place is not None:
            convolution = isinstance(self.eager.modules[place[0]], nn.Conv2d)
            axis = 1 if convolution or not place[1] else -1
            self.places.append(("penultimate", place, axis, named[0]["num_neurons"]))

    def inner_places(self):
        """Layers behind the middle of the model, those with the fewest neurons first, as LO-IR
        passes once for every neuron; of those with equally many, the middle one."""
        fitting = {}
        for i, layer in enumerate(self.layers):
            name, neurons = layer["path"], layer.get("num_neurons", 0)
            calls = self.eager.calls.get(name, [])
            if layer.get("reason") or layer.get("penultimate") or len(calls) != 1 or \
                    calls[0] is None or i < len(self.layers) // 2 or name in self.eager.heads:
                continue
            axis = self.axis(layer)
            if axis is None or calls[0][1:] != layer["shape"] or neurons < FEWEST or \
                    layer["shape"] == [self.eager.num_classes]:
                continue
            fitting.setdefault(neurons, []).append((name, (name, False), axis, neurons))
        return [fitting[neurons][len(fitting[neurons]) // 2] for neurons in sorted(fitting)]

    def inner_place(self):
        """The first of them whose neurons show in the logits, else the one that shows most."""
        def shown(place):
            _, where, axis, neurons = place
            some = sorted({0, neurons // 3, neurons // 2, neurons - 1})
            return float(self.eager.scores(where, axis, some, self.eager.images).max())

        enough = SHOWN * float(self.eager.logits.abs().max())
        best, most = None, -1.0
        for place in self.inner_places():
            size = shown(place)
            if size > most:
                best, most = place, size
            if size >= enough:
                break
        if best is None:
            raise Failed("no layer behind the middle to compare at")
        return best

    def best_of(self, differences, tolerance, what):
        """The greatest of differences, each the least it is at the points. Keeps what it is at the
        first where that is too much."""
        best = None
        for number, off in enumerate(differences):
            best = off if best is None else torch.minimum(best, off)
            if float(best.max()) <= tolerance:
                break
            if number == 0:
                self.result[f"{what}_first_off"] = float(best.max())
        return float(best.max())

    def loir(self):
        """Score by score."""
        self.places.append(self.inner_place())
        for i, (layer, place, axis, neurons) in enumerate(self.places):
            off = self.best_of(self.score_differences(i, layer, place, axis, neurons), TOLERANCE,
                               "loir")
            self.result["loir_off"] = max(self.result.get("loir_off", 0.0), off)
            if not off <= TOLERANCE:
                raise Failed(f"{layer}: off by {off:.2g} of the greatest score, at three points")

    def score_differences(self, i, layer, place, axis, neurons):
        chosen = None
        for number, images in enumerate(points(self.eager.images)):
            ranking = f"rank{i}-{number}.safetensors"
            numpy.save(self.path("images.npy"), images.numpy())
            self.call("rank", "--model", "model.pt", "--data", "images.npy", "--labels",
                      "labels.npy", "--layer", layer, "-o", ranking)
            score = read_safetensors(self.path(ranking), "score")
            if list(score.shape) != [self.eager.num_classes, neurons]:
                raise Failed(f"{layer}: scores of {list(score.shape)}")
            if chosen is None:
                chosen = sorted({0, neurons // 3, neurons // 2, neurons - 1,
                                 int(score.sum(0).argmax())})
            expected = self.eager.scores(place, axis, chosen, images.double())
            yield (score[:, chosen] - expected).abs() / score.max()

    def defense(self):
        """Image by image."""
        _, place, axis, neurons = self.places[0]
        keep = max(1, neurons // 2)
        score = read_safetensors(self.path("rank0-0.safetensors"), "score")
        mask = torch.zeros_like(score)
        order = torch.argsort(score, dim=1, descending=True, stable=True)
        mask.scatter_(1, order[:, :keep], 1.0)
        self.options = ["--ranking", "rank0-0.safetensors", "--keep", str(keep), "--no-smoothing",
                        "--temperature", "1"]
        self.call("defend", "--model", "model.pt", *self.options, "--input",
                  ",".join(map(str, self.source.shape)), "--export", "defended.pt")
        self.program = torch.jit.load(self.path("defended.pt"))
        self.mask = mask

        def differences():
            for x in points(self.eager.images):
                expected = self.eager.defended(place, axis, mask, x.double())
                off = (self.program(x).double() - expected).abs().amax(1)
                yield off / expected.abs().max()

        with torch.no_grad():
            off = self.best_of(differences(), TOLERANCE, "defense")
            logits = self.eager.defended(place, axis, mask, self.eager.images)
        self.result["defense_off"] = off
        if not off <= TOLERANCE:
            raise Failed(f"logits off by {off:.2g} of the greatest, at three points")
        self.labels = logits.argmax(1)

    def gradient(self):
        """Image by image: a ReLU at its edge at one point is not at the others. Deep networks have
        one at every point in float32; there the file itself runs in float64. Even so, with batch
        norms folded in float32, a ResNet-50 has one for two images of three."""
        _, place, axis, _ = self.places[0]

        def differences(program, dtype, num):
            weights = torch.randn(self.eager.logits.shape,
                                  generator=torch.Generator().manual_seed(5))
            for x in points(self.eager.images, num):
                y = x.to(dtype, copy=True).requires_grad_(True)
                x = x.double().requires_grad_(True)
                logits = self.eager.defended(place, axis, self.mask, x)
                expected, = torch.autograd.grad((logits * weights.double()).sum(), x)
                got, = torch.autograd.grad((program(y) * weights.to(dtype)).sum(), y)
                off = (got.double() - expected).flatten(1).abs().amax(1)
                yield off / expected.flatten(1).abs().amax(1)

        off, limit = self.best_of(differences(self.program, torch.float32, 3), TOLERANCE,
                                  "gradient"), TOLERANCE
        if not off <= limit:
            self.result["gradient_float32_off"] = off
            program = torch.jit.load(self.path("defended.pt")).double()
            off, limit = self.best_of(differences(program, torch.float64, 16), DOUBLE_TOLERANCE,
                                      "gradient"), DOUBLE_TOLERANCE
        self.result["gradient_off"] = off
        if not off <= limit:
            raise Failed(f"off by {off:.2g} of an image's greatest, in float64 at 16 points")

    def attack(self):
        count = 4
        numpy.save(self.path("x.npy"), self.eager.images[:count].float().numpy())
        numpy.save(self.path("y.npy"), self.labels[:count].numpy())
        # What checks and bounds would attack besides is not compared with anything here.
        self.call("eval", "--model", "model.pt", "--data", "x.npy", "--labels", "y.npy",
                  *self.options, "--partial", "--no-checks", "--no-bounds", "--norm", "Linf",
                  "--eps", "8/255", "--attack", "apgd-ce", "--set", "apgd-ce.steps=5",
                  "--save-adversarial", "adv.npy", "-o", "result.json")
        with open(self.path("result.json"), encoding="utf-8") as file:
            result = json.load(file)
        if result["clean_acc"] != 1:
            raise Failed(f"clean accuracy {result['clean_acc']:g} on its own predictions")
        adversarial = torch.from_numpy(numpy.load(self.path("adv.npy")))
        if adversarial.dtype == torch.uint8:
            adversarial = adversarial.float() / 255
        away = float((adversarial - self.eager.images[:count].float()).abs().max())
        if away > EPS + 1e-6:
            raise Failed(f"an adversarial image lies {away:.4f} away")
        with torch.no_grad():
            right = self.program(adversarial).argmax(1) == self.labels[:count]
        if float(right.float().mean()) > result["worst_acc"] + 1e-9:
            raise Failed(f"{int(right.sum())} of {count} adversarial images do not fool the "
                         f"exported model, {result['worst_acc'] * count:g} are robust")

    def steps(self):
        for step in STEPS:
            try:
                getattr(self, step)()
            except (Refused, Failed) as error:
                self.result.update(step=step, why=str(error),
                                   refused=isinstance(error, Refused))
                return
            except Exception as error:
                self.result.update(step=step, why=reason(error), refused=False)
                return
        self.result["step"] = None


def ended(code):
    """How a process ended."""
    return "took too much processor time" if code == -signal.SIGXCPU else f"ended with {code}"


def run_one(igdef, arguments, limit, queue):
    os.setpgid(0, 0)  # what it starts ends with it
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        run = Run(igdef, arguments, folder)
        run.steps()
        run.result["method"] = getattr(run, "method", "")
        queue.put(run.result)


def run_apart(igdef, arguments, limit):
    """In a process of its own: a crash or an endless model ends only that model."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=run_one, args=(igdef, arguments, limit, queue))
    before = processor_seconds()
    process.start()
    # The limit is one of processor time, which a busy machine does not change; this ends what waits.
    end = time.time() + 30 * limit
    while process.is_alive() and queue.empty() and time.time() < end:
        process.join(0.2)
    if not queue.empty() or not process.is_alive():
        try:
            result = queue.get(timeout=5)
        except Exception:
            result = {"step": "export", "why": ended(process.exitcode), "refused": False}
    else:
        result = {"step": "all", "why": f"took more than {30 * limit} s", "refused": False}
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    result["seconds"] = processor_seconds() - before
    return result


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def packages():
    """Which of the packages are here; imported before the processes are forked."""
    found = set()
    for name in ("torchvision", "timm", "robustbench"):
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                if name == "robustbench":
                    import zoo_models  # noqa: F401
                else:
                    __import__(name)
            found.add(name)
        except (ImportError, ExportError) as error:
            print(f"left out: {name}: {reason(error)}", file=sys.stderr)
    return found


def outcome(result):
    if result["step"] is None:
        said = ["ok"]
        for key, name in SEVERAL.items():
            if key in result:
                said.append(f"{name} at several points: {result[key]:.0e} at the first")
        if "gradient_float32_off" in result:
            said.append(f"gradient in float64: {result['gradient_float32_off']:.0e} in float32")
        return ", ".join(said)
    return f"{'refused' if result['refused'] else 'FAILED'} at {result['step']}: {result['why']}"


def table(results):
    """Markdown: a line per model, then the counts."""
    lines = ["| model | program | LO-IR | defense | gradient | outcome |",
             "|---|---|---|---|---|---|"]
    for name, result in results:
        numbers = [f"{result[key]:.0e}" if key in result else "–"
                   for key in ("loir_off", "defense_off", "gradient_off")]
        lines.append(f"| {name} | {result.get('method', '')} | {' | '.join(numbers)} | "
                     f"{outcome(result)} |")
    good = sum(result["step"] is None for _, result in results)
    refused = sum(result["step"] is not None and result["refused"] for _, result in results)
    def number(*keys):
        return sum(result["step"] is None and any(key in result for key in keys)
                   for _, result in results)

    lines += ["", f"{len(results)} models: {good} through every step "
                  f"({number('gradient_float32_off')} of them with gradients in float64, "
                  f"{number(*SEVERAL)} with something at several points), "
                  f"{refused} refused, {len(results) - good - refused} failed."]
    return "\n".join(lines) + "\n"


def rewrite(path, text):
    """At once: a run that is stopped leaves the file whole."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="*", default=["*"])
    parser.add_argument("--igdef", default="igdef")
    parser.add_argument("--quick", action="store_true", help="a few of torchvision's, for every change")
    parser.add_argument("--limit", type=int, default=300,
                        help="seconds of processor time for each process of a model [300]")
    parser.add_argument("--results", metavar="FILE.json",
                        help="keep what was found; what passed there is not run again")
    parser.add_argument("-o", "--output", metavar="TABLE.md")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    igdef = os.path.abspath(args.igdef) if os.path.dirname(args.igdef) else args.igdef

    here = packages()
    patterns = [pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
                for pattern in args.pattern]
    chosen = [(name, arguments) for name, arguments in entries()
              if name.partition("/")[0] in here and (not args.quick or name in QUICK) and
              any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    if not chosen:
        print(f"skipped: no model of {', '.join(args.pattern)} can be built here")
        sys.exit(77)
    kept = {}
    if args.results and os.path.exists(args.results):
        with open(args.results, encoding="utf-8") as file:
            kept = json.load(file)
    results = []
    for name, arguments in chosen:
        if name not in kept or kept[name]["step"] is not None:
            kept[name] = run_apart(igdef, arguments, args.limit)
            print(f"{name}: {outcome(kept[name])} ({kept[name]['seconds']:.0f} s)", flush=True)
            if args.results:
                rewrite(args.results, json.dumps(kept, indent=1) + "\n")
        results.append((name, kept[name]))
        if args.output:
            rewrite(args.output, table(results))
    print(table(results).splitlines()[-1])
    sys.exit(any(result["step"] is not None and not result["refused"] for _, result in results))


if __name__ == "__main__":
    main()
