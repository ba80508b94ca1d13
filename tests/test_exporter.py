#!/usr/bin/env python3
"""Tests of scripts/export_torchscript.py: weights as they are published, programs, refusals.

Exit code 77 where there is no PyTorch.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import unittest
import warnings
import zipfile

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "scripts")
sys.path.insert(0, SCRIPTS)
try:
    import torch
    from torch import nn
except ImportError:
    print("skipped: no PyTorch for", sys.executable)
    sys.exit(77)

import export_torchscript
from exporter.messages import ExportError
from exporter.randomize import fill_constants

NETS = '''
from typing import Dict

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, num_classes=3, activation=nn.ReLU):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.act = activation()
        self.linear = nn.Linear(4, num_classes)

    def forward(self, x):
        return self.linear(self.act(self.bn(self.conv(x))).mean([2, 3]))


class WithBuffers(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("mu", torch.full((1, 3, 1, 1), 0.25))
        self.register_buffer("sigma", torch.full((1, 3, 1, 1), 0.5))

    def forward(self, x):
        return super().forward((x - self.mu) / self.sigma)


class SavingSwish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad * s * (1 + x * (1 - s))


class BrokenSwish(SavingSwish):
    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.no_such_thing


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x * 8) / 8

    @staticmethod
    def backward(ctx, grad):
        return grad


kept_apply = SavingSwish.apply


class Act(nn.Module):
    def forward(self, x):
        return SavingSwish.apply(x)


class KeptAct(nn.Module):
    def forward(self, x):
        return kept_apply(x)


class BrokenAct(nn.Module):
    def forward(self, x):
        return BrokenSwish.apply(x)


class RoundAct(nn.Module):
    def forward(self, x):
        return StraightThrough.apply(x)


def swish():
    return Net(activation=Act)


def kept():
    return Net(activation=KeptAct)


def broken():
    return Net(activation=BrokenAct)


def rounding():
    return Net(activation=RoundAct)


def windows_back(windows, size, h, w):
    b = int(windows.shape[0] / (h * w / size / size))
    x = windows.view(b, h // size, w // size, size, size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(b, h, w, -1)


class Windows(Net):
    def forward(self, x):
        n, c, h, w = x.shape
        parts = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1)
        x = windows_back(parts.contiguous().view(-1, 4, 4, c), 4, h, w)
        options = dict(a=x.permute(0, 3, 1, 2))  # keeps torch.jit.script from it
        return super().forward(*[options[k] for k in options])


class Dropping(Net):
    def forward(self, x):
        features = self.act(self.bn(self.conv(x))).mean([2, 3])
        return self.linear(nn.functional.dropout(features, 0.3))


class DroppingNothing(Net):
    rate = 0.0

    def forward(self, x):
        features = self.act(self.bn(self.conv(x))).mean([2, 3])
        return self.linear(nn.functional.dropout(features, self.rate))


class OfBatch(Net):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(4, track_running_stats=False)


class Caching(Net):
    cache: Dict[str, torch.Tensor]

    def __init__(self):
        super().__init__()
        self.cache = {}
        self.bias = nn.Parameter(torch.ones(3))

    def kept_bias(self):
        if torch.jit.is_tracing():
            return self.bias
        if "bias" not in self.cache:
            self.cache["bias"] = self.bias + 0
        return self.cache["bias"]

    def forward(self, x):
        features = self.act(self.bn(self.conv(x))).mean([2, 3])
        return self.linear(features) + self.kept_bias()


class NoScriptNoBatch(Net):
    def forward(self, x):
        kwargs = dict(n=int(x.shape[0]))
        return super().forward(x.view(*[kwargs[k] for k in kwargs], 3, 8, 8))
'''


class Bench(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.kept = os.getcwd()
        os.chdir(self.folder.name)
        with open("nets.py", "w") as file:
            file.write(NETS)
        sys.modules.pop("nets", None)
        sys.path.insert(0, self.folder.name)
        import nets
        self.nets = nets
        torch.manual_seed(0)
        self.net = nets.Net()
        self.state = self.net.state_dict()

    def tearDown(self):
        sys.path.remove(self.folder.name)
        os.chdir(self.kept)
        self.folder.cleanup()

    def export(self, factory, *options, content=None):
        """Runs the command in this process; returns what it prints to both streams."""
        argv = [f"nets.py:{factory}"]
        if content is not None:
            torch.save(content, "w.pth")
            argv.append("w.pth")
        argv += ["--input", "3,8,8", "-o", "out.pt", *options]
        out, err = io.StringIO(), io.StringIO()
        kept, sys.argv = sys.argv, ["export_torchscript.py"] + argv
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), \
                    warnings.catch_warnings():
                warnings.simplefilter("ignore")
                export_torchscript.run(export_torchscript.arguments())
        finally:
            sys.argv = kept
        return out.getvalue() + err.getvalue()

    def refused(self, pattern, factory, *options, content=None):
        with self.assertRaisesRegex(ExportError, pattern) as caught:
            self.export(factory, *options, content=content)
        self.assertNotIn("\n", str(caught.exception))
        self.assertFalse(os.path.exists("out.pt"))
        self.assertFalse([name for name in os.listdir(".") if name.startswith(".export-")])

    def logits(self, model):
        with torch.no_grad():
            return model(torch.full([2, 3, 8, 8], 0.3))

    def assert_same(self, model):
        got = self.logits(torch.jit.load("out.pt"))
        self.assertTrue(torch.allclose(got, self.logits(model.eval()), atol=1e-6))

    def under(self, prefix):
        return {prefix + name: value for name, value in self.state.items()}


class Checkpoints(Bench):
    def test_prefixes_of_wrappers_are_dropped(self):
        for prefix in ("", "module.", "model.", "_orig_mod.", "1.", "module.model.",
                       "module._orig_mod.", "net.backbone."):
            with self.subTest(prefix=prefix):
                self.export("Net", content={"state_dict": self.under(prefix)})
                self.assert_same(self.net)

    def test_normalization_beside_the_weights_is_put_in_front(self):
        mean, std = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.5, 0.6, 0.7])
        whole = nn.Sequential(Shift(mean, std), self.net)
        shapes = {"normalize.mean": "normalize.std", "0.mean": "0.std",
                  "module.normalizer.new_mean": "module.normalizer.new_std", "mu": "sigma"}
        for name, other in shapes.items():
            with self.subTest(name=name):
                prefix = name.rpartition(".")[0].replace("0", "1").replace("normalizer", "model") \
                    .replace("normalize", "model")
                prefix = prefix + "." if prefix else "model."
                content = {name: mean.view(1, 3, 1, 1), other: std.view(1, 3, 1, 1),
                           **self.under(prefix)}
                said = self.export("Net", content=content)
                self.assertIn("put in front of the model: mean 0.1,0.2,0.3", said)
                self.assert_same(whole)
                self.export("Net", "--no-normalization", content=content)
                self.assert_same(self.net)
                os.unlink("out.pt")
                self.refused("say otherwise", "Net", "--mean", "0,0,0", "--std", "1,1,1",
                             content=content)

    def test_names_of_the_robustness_library(self):
        content = {"model": {**self.under("module.model."),
                             **self.under("module.attacker.model."),
                             "module.normalizer.new_mean": torch.zeros(3, 1, 1),
                             "module.normalizer.new_std": torch.ones(3, 1, 1),
                             "module.attacker.normalize.new_mean": torch.zeros(3, 1, 1),
                             "module.attacker.normalize.new_std": torch.ones(3, 1, 1)},
                   "epoch": 90, "schedule": None}
        self.export("Net", content=content)
        self.assert_same(self.net)

    def test_other_weights_are_named(self):
        other = self.nets.Net().state_dict()
        content = {"ema": other, "state_dict": self.state, "epoch": 3}
        said = self.export("Net", content=content)
        self.assertIn("took the weights below 'state_dict'; it also has 'ema' (--key ema)", said)
        self.assert_same(self.net)
        said = self.export("Net", "--key", "ema", content=content)
        self.assertNotIn("took the weights", said)
        model = self.nets.Net()
        model.load_state_dict(other)
        self.assert_same(model)
        os.unlink("out.pt")
        self.refused("has no key 'emma'", "Net", "--key", "emma", content=content)

    def test_a_set_that_does_not_fit_is_passed_over(self):
        content = {"optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}},
                   "state_dict": {"other": torch.zeros(2)}, "weights": self.state}
        self.export("Net", content=content)
        self.assert_same(self.net)

    def test_numbers_and_options_need_no_trust(self):
        content = {**self.state, "best_acc": 93.2, "lr": 0.1, "epoch": 7, "arch": "net",
                   "args": argparse.Namespace(lr=0.1), "seen": {1, 2}}
        try:
            import numpy
            content.update(best=numpy.float64(0.5), history=numpy.zeros(3))
        except ImportError:
            pass
        self.export("Net", content=content)
        self.assert_same(self.net)
        self.export("Net", content={"state_dict": {**self.state, "acc": 0.9}})
        self.assert_same(self.net)

    def test_what_runs_code_is_refused_and_not_run(self):
        for protocol in (2, 4):
            with open("bad.pth", "wb") as file:
                pickle.dump({"state_dict": {}, "x": Runs()}, file, protocol=protocol)
            self.refused("holds|damaged", "Net", "bad.pth")
        torch.save({"state_dict": self.state, "x": Runs()}, "bad.pth")
        self.refused("holds .*system, more than tensors and numbers; --trust", "Net", "bad.pth")
        self.assertFalse(os.path.exists("ran"))

    def test_missing_and_foreign_names(self):
        self.refused(r"2 of the model's names are missing \(mu, sigma\); --allow-missing",
                     "WithBuffers", content=self.state)
        self.export("WithBuffers", "--allow-missing", "mu,sigma", content=self.state)
        model = self.nets.WithBuffers()
        model.load_state_dict(self.state, strict=False)
        self.assert_same(model)
        os.unlink("out.pt")
        foreign = {**self.state, "extra.1.weight": torch.zeros(2), "scores": torch.zeros(2)}
        self.refused(r"2 are not in the model \(extra.1.weight, scores\); --ignore", "Net",
                     content=foreign)
        self.export("Net", "--ignore", "extra,scores", content=foreign)
        self.assert_same(self.net)

    def test_wrong_files_are_named_for_what_they_are(self):
        for text, said in ((b"<!DOCTYPE html>", "a web page"), (b"junk", "damaged"),
                           (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
                           (b"", "damaged")):
            with open("w.bin", "wb") as file:
                file.write(text)
            self.refused(said, "Net", "w.bin")
        self.refused("no such file", "Net", "nowhere.pth")
        self.refused("is a folder", "Net", ".")
        self.refused("not a state dict", "Net", content=[1, 2])
        self.refused("no state dict below its keys \\(a\\); name one with --key", "Net",
                     content={"a": 1})

    def test_metadata_of_layers_survives(self):
        seen = []

        def hook(_state, _prefix, metadata, *_):
            seen.append(metadata.get("version"))

        from exporter.checkpoint import load_weights
        state = collections.OrderedDict(("module." + k, v) for k, v in self.state.items())
        state._metadata = collections.OrderedDict(
            ("module." + k if k else "module", v) for k, v in self.net.state_dict()._metadata.items())
        model = self.nets.Net()
        model.bn._register_load_state_dict_pre_hook(hook)
        load_weights(model, {"state_dict": state}, "x")
        self.assertEqual(seen, [2])


class Shift(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = mean.view(1, 3, 1, 1), std.view(1, 3, 1, 1)

    def forward(self, x):
        return (x - self.mean) / self.std


class Runs:
    def __reduce__(self):
        return os.system, ("touch ran",)


class Programs(Bench):
    def test_a_function_without_torchscript_form_is_traced_plainly(self):
        for factory in ("swish", "kept"):
            with self.subTest(factory=factory):
                self.export(factory, content=self.state)
                model = getattr(self.nets, factory)()
                model.load_state_dict(self.state)
                self.assert_same(model)
                before = model(torch.zeros(1, 3, 8, 8)).grad_fn
                self.assertIsNotNone(before)
        x = torch.ones(1, requires_grad=True)
        self.assertIn("SavingSwish", type(self.nets.SavingSwish.apply(x).grad_fn).__name__)

    def test_a_backward_that_fails_is_replaced_by_finite_differences(self):
        said = self.export("broken", content=self.state)
        self.assertIn("backward fails", said)
        self.assertIn("(finite differences)", said)

    def test_a_backward_of_its_own_is_refused(self):
        self.refused("StraightThrough has a backward of its own", "rounding", content=self.state)

    def test_a_batch_size_computed_in_a_helper_is_kept(self):
        said = self.export("Windows", content=self.state)
        self.assertIn("scripted inside the trace: windows_back", said)
        program = torch.jit.load("out.pt")
        for n in (1, 5):
            self.assertEqual(list(program(torch.rand(n, 3, 8, 8)).shape), [n, 3])

    def test_a_batch_size_that_is_baked_in_is_refused_with_both_reasons(self):
        self.refused("script: .*; trace: .*does not run on 3 images", "NoScriptNoBatch",
                     content=self.state)

    def test_what_eval_leaves_on_is_refused(self):
        self.refused("drops at random in evaluation mode too", "Dropping", "--random")
        self.export("DroppingNothing", "--random")
        os.unlink("out.pt")
        self.refused("depend on the images beside it", "OfBatch", "--random")

    def test_a_model_with_a_cache_is_traced_without_it(self):
        said = self.export("Caching", "--random")
        self.assertIn("writes to its cache while it runs", said)
        self.assertNotIn("_set_item", str(torch.jit.load("out.pt").inlined_graph))

    def test_the_record_in_the_file(self):
        self.export("Net", "--mean", "0.1,0.2,0.3", "--std", "1,2,4", content=self.state)
        with zipfile.ZipFile("out.pt") as archive:
            name = next(n for n in archive.namelist() if n.endswith("/extra/igdef.json"))
            card = json.loads(archive.read(name))
        self.assertEqual(card["format"], "igdef.model/1")
        self.assertEqual((card["name"], card["input"], card["num_classes"]), ("Net", [3, 8, 8], 3))
        self.assertEqual(card["normalization"],
                         {"mean": [0.1, 0.2, 0.3], "std": [1, 2, 4], "place": "in front"})
        self.assertEqual(card["weights"][0]["file"], "w.pth")
        self.assertEqual(len(card["weights"][0]["sha256"]), 64)

    def test_random_weights_are_seeded_and_sane(self):
        models = []
        for seed in ("3", "3", "4"):
            self.export("Net", "--random", "--seed", seed)
            models.append(torch.jit.load("out.pt").state_dict())
        self.assertTrue(all(torch.equal(v, models[1][k]) for k, v in models[0].items()))
        self.assertFalse(torch.equal(models[0]["conv.weight"], models[2]["conv.weight"]))
        self.assertGreater(float(models[0]["bn.running_mean"].abs().max()), 0)
        x = torch.rand(64, 3, 8, 8)
        spread = float(torch.jit.load("out.pt")(x).std())
        self.assertTrue(0.2 < spread < 20, spread)

    def test_layer_scales_are_large_enough_to_show(self):
        class Scaled(nn.Module):
            def __init__(self):
                super().__init__()
                self.gamma = nn.Parameter(1e-6 * torch.ones(8))
                self.norm = nn.BatchNorm2d(8)

        model = Scaled()
        with torch.no_grad():
            fill_constants(model, torch.Generator().manual_seed(0))
        self.assertGreater(float(model.gamma.abs().max()), 0.01)
        self.assertTrue(0 < float((model.norm.weight - 1).abs().max()) < 1)


class Commands(Bench):
    def command(self, *argv):
        return subprocess.run([sys.executable, os.path.join(SCRIPTS, "export_torchscript.py"),
                               *argv], capture_output=True, text=True)

    def test_the_same_model_gives_the_same_bytes(self):
        files = []
        for name in ("a.pt", "b.pt"):
            done = self.command("nets.py:Net", "--random", "--input", "3,8,8", "-o", name)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(name, "rb") as file:
                files.append(file.read())
        self.assertEqual(*files)

    def test_wrong_usage_and_missing_packages_are_one_line(self):
        for argv, code, said in (
                (["-o", "x.pt"], 2, "give one of FACTORY"),
                (["nets.py:Net", "-o", "x.pt"], 2, "--input C,H,W is missing"),
                (["nets.py:Nets", "--input", "3,8,8", "-o", "x.pt"], 1, "did you mean 'Net'"),
                (["nets.py:Net", "--input", "3,8", "-o", "x.pt"], 2, "is not C,H,W"),
                (["--hf", "./nowhere", "-o", "x.pt"], 1, "no such folder")):
            with self.subTest(argv=argv):
                done = self.command(*argv)
                self.assertEqual(done.returncode, code)
                self.assertIn(said, done.stderr)
                self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
