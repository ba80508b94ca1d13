#!/usr/bin/env python3
"""Tests of scripts/export_torchscript.py with --robustbench, --torchvision, --timm and --hf, beside
stand-ins of these packages; scripts/zoo.py runs the real ones.

Exit code 77 where there is no PyTorch.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

EXPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "scripts",
                      "export_torchscript.py")
try:
    import torch
except ImportError:
    print("skipped: no PyTorch for", sys.executable)
    sys.exit(77)

# What the exporter asks of each package, with one small model in it.
PACKAGES = {
    "tiny.py": '''
import torch
from torch import nn


class Tiny(nn.Module):
    def __init__(self, num_classes=10, width=4):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1)
        self.linear = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.linear(torch.relu(self.conv(x)).mean([2, 3]))


class Normalized(Tiny):
    def __init__(self):
        super().__init__()
        self.register_buffer("mu", torch.full((1, 3, 1, 1), 0.5))
        self.register_buffer("sigma", torch.full((1, 3, 1, 1), 0.25))

    def forward(self, x):
        return super().forward((x - self.mu) / self.sigma)
''',
    "timm/__init__.py": '''
from tiny import Tiny

__version__ = "0.stand-in"


def list_models():
    return ["tiny_net"]


def is_model(name):
    return name in list_models()


def create_model(name, pretrained=False, **kwargs):
    if pretrained:
        raise RuntimeError("no network")
    model = Tiny(**kwargs)
    model.pretrained_cfg = {"input_size": [3, 16, 16], "mean": [0.5, 0.5, 0.5],
                            "std": [0.25, 0.25, 0.25], "crop_pct": 0.8,
                            "interpolation": "bicubic"}
    return model
''',
    "torchvision/__init__.py": '''
from . import models

__version__ = "0.stand-in"
''',
    "torchvision/models.py": '''
import enum

from tiny import Tiny


class Recipe:
    crop_size, resize_size = [16], [20]
    mean, std = [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]

    class interpolation:
        value = "bilinear"


class Weights(enum.Enum):
    OLD = "old"
    DEFAULT = "new"

    def transforms(self):
        return Recipe()

    @property
    def meta(self):
        return {"categories": [f"class {i}" for i in range(10)]}


def list_models(module=None):
    return ["tiny_net"]


def get_model_weights(name):
    return Weights


def get_model(name, weights=None, **kwargs):
    model = Tiny(**kwargs)
    if weights is not None:
        model.linear.bias.data.fill_({"old": 1.0, "new": 2.0}[weights.value])
    return model
''',
    "robustbench/__init__.py": "",
    "robustbench/model_zoo/__init__.py": "",
    "robustbench/model_zoo/models.py": '''
import enum

from tiny import Normalized


class Data(enum.Enum):
    cifar10 = "cifar10"


class Threat(enum.Enum):
    L2 = "L2"


model_dicts = {Data.cifar10: {Threat.L2: {
    "Tiny2020Robust": {"model": Normalized, "gdrive_id": "an id"},
}}}
''',
    "robustbench/utils.py": '''
import os

import torch

from .model_zoo.models import Data, Threat, model_dicts


def load_model(name, model_dir, dataset, threat_model):
    model = model_dicts[Data(dataset)][Threat(threat_model)][name]["model"]()
    path = os.path.join(model_dir, dataset, threat_model, name + ".pt")
    model.load_state_dict(torch.load(path, map_location="cpu"))
    return model
''',
}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Packages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        for name, text in PACKAGES.items():
            path = self.path(os.path.join("packages", name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        sys.path.insert(0, self.path("packages"))
        import tiny
        self.tiny = tiny
        torch.manual_seed(0)

    def tearDown(self):
        sys.path.remove(self.path("packages"))
        sys.modules.pop("tiny")
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def save(self, model, name):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        torch.save(model.state_dict(), self.path(name))
        return self.path(name)

    def run_export(self, *options):
        environment = {**os.environ, "PYTHONPATH": self.path("packages"), "PYTHONHASHSEED": "0"}
        return subprocess.run([sys.executable, EXPORT, *options, "-o", self.path("out.pt")],
                              env=environment, cwd=self.folder.name, capture_output=True, text=True)

    def export(self, *options):
        """What the file records, and the program."""
        done = self.run_export(*options)
        self.assertEqual(done.returncode, 0, done.stderr)
        with zipfile.ZipFile(self.path("out.pt")) as archive:
            name = next(n for n in archive.namelist() if n.endswith("/extra/igdef.json"))
            card = json.loads(archive.read(name))
        return card, torch.jit.load(self.path("out.pt"))

    def refused(self, said, *options):
        done = self.run_export(*options)
        self.assertEqual(done.returncode, 1)
        self.assertIn(said, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertFalse(os.path.exists(self.path("out.pt")))

    def assert_same(self, program, model, images):
        with torch.no_grad():
            self.assertTrue(torch.allclose(program(images), model.eval()(images), atol=1e-5))


class RobustBench(Packages):
    TINY = ("--robustbench", "Tiny2020Robust", "--dataset", "cifar10", "--threat", "L2")

    def test_weights_where_the_package_keeps_them(self):
        model = self.tiny.Normalized()
        path = self.save(model, "kept/cifar10/L2/Tiny2020Robust.pt")
        card, program = self.export(*self.TINY, "--model-dir", self.path("kept"))
        self.assert_same(program, model, torch.rand(2, 3, 32, 32))
        self.assertEqual((card["name"], card["input"], card["num_classes"]),
                         ("Tiny2020Robust", [3, 32, 32], 10))
        self.assertIn("cifar10, L2", card["source"])
        self.assertEqual(card["weights"],
                         [{"file": "Tiny2020Robust.pt", "sha256": digest(path)}])
        self.assertEqual(card["normalization"],
                         {"mean": [0.5] * 3, "std": [0.25] * 3, "place": "in the model"})

    def test_a_given_file_is_taken_instead(self):
        self.save(self.tiny.Normalized(), "kept/cifar10/L2/Tiny2020Robust.pt")
        model = self.tiny.Normalized()
        path = self.save(model, "mine.pth")
        card, program = self.export(*self.TINY, "--model-dir", self.path("kept"), "--weights", path)
        self.assert_same(program, model, torch.rand(2, 3, 32, 32))
        self.assertEqual(card["weights"][0]["sha256"], digest(path))
        os.unlink(self.path("out.pt"))
        self.refused("takes 1 file of weights, 2 given", *self.TINY, "--weights", path, path)

    def test_random_weights_need_no_file(self):
        card, program = self.export(*self.TINY, "--random", "--seed", "3")
        self.assertEqual(card["weights"][0]["random"], 3)
        self.assertEqual(list(program(torch.rand(2, 3, 32, 32)).shape), [2, 10])

    def test_wrong_names(self):
        self.refused("did you mean 'Tiny2020Robust'", "--robustbench", "tiny2020robust",
                     *self.TINY[2:])
        self.refused("has no model 'Tiny2020Robust'", *self.TINY[:4], "--threat", "Linf",
                     "--random")
        self.refused("--dataset: 'mnist' is not one of", *self.TINY[:2], "--dataset", "mnist")
        self.refused("--threat: 'L7' is not one of", *self.TINY[:4], "--threat", "L7")

    def test_a_missing_file_is_one_line(self):
        self.refused("nowhere.pth: no such file", *self.TINY, "--weights", "nowhere.pth")


class TorchVision(Packages):
    def test_the_package_s_own_weights_by_name(self):
        for options, bias in (([], 2.0), (["--weights", "OLD"], 1.0)):
            with self.subTest(options=options):
                card, program = self.export("--torchvision", "tiny_net", *options)
                self.assertTrue(bool((program.state_dict()["model.linear.bias"] == bias).all()))
                self.assertEqual(card["input"], [3, 16, 16])
                self.assertEqual(card["preprocess"], "Res20Crop16")
                self.assertEqual(card["classes"][1], "class 1")
                self.assertEqual(card["normalization"]["place"], "in front")

    def test_a_file_of_weights_with_other_classes(self):
        model = self.tiny.Tiny(num_classes=4)
        path = self.save(model, "mine.pth")
        card, program = self.export("--torchvision", "tiny_net", "--weights", path, "--kwargs",
                                    '{"num_classes": 4}')
        images = torch.rand(2, 3, 16, 16)
        with torch.no_grad():
            expected = model.eval()((images - 0.5) / 0.25)
        self.assertTrue(torch.allclose(program(images), expected, atol=1e-5))
        self.assertNotIn("classes", card)
        self.assertEqual(card["weights"], [{"file": "mine.pth", "sha256": digest(path)}])

    def test_wrong_names(self):
        self.refused("did you mean 'tiny_net'", "--torchvision", "tiny_ned", "--random")
        self.refused("NEW: ", "--torchvision", "tiny_net", "--weights", "NEW")


class Timm(Packages):
    def test_a_file_of_weights(self):
        model = self.tiny.Tiny()
        path = self.save(model, "mine.pth")
        card, program = self.export("--timm", "tiny_net", "--weights", path, "--no-normalization")
        self.assert_same(program, model, torch.rand(2, 3, 16, 16))
        self.assertEqual((card["input"], card["preprocess"]), ([3, 16, 16], "BicubicRes20Crop16"))
        self.assertIsNone(card["normalization"])

    def test_what_cannot_be_fetched_names_the_options(self):
        self.refused("give the file with --weights, or --random", "--timm", "tiny_net")
        self.refused("did you mean 'tiny_net'", "--timm", "tinynet", "--random")

    def test_a_folder_of_hugging_face(self):
        model = self.tiny.Tiny(num_classes=3, width=5)
        path = self.save(model, "folder/pytorch_model.bin")
        config = {"architecture": "tiny_net", "num_classes": 3, "model_args": {"width": 5},
                  "label_names": ["cat", "dog", "owl"],
                  "pretrained_cfg": {"input_size": [3, 8, 8], "mean": [0, 0, 0], "std": [1, 1, 1]}}
        with open(self.path("folder/config.json"), "w") as file:
            json.dump(config, file)
        card, program = self.export("--hf", self.path("folder"))
        self.assert_same(program, model, torch.rand(2, 3, 8, 8))
        self.assertEqual((card["input"], card["classes"]), ([3, 8, 8], ["cat", "dog", "owl"]))
        self.assertEqual(card["weights"][0]["sha256"], digest(path))

    def test_folders_that_are_not_timm_s(self):
        os.mkdir(self.path("empty"))
        self.refused("config.json: no such file", "--hf", self.path("empty"))
        with open(self.path("empty/config.json"), "w") as file:
            json.dump({"model_type": "vit"}, file)
        self.refused("'vit' of the transformers library", "--hf", self.path("empty"))


if __name__ == "__main__":
    unittest.main()
