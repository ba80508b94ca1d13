"""Models of RobustBench: built by its own table of models, loaded by its own rules."""

import contextlib
import os
import sys
import tempfile
import types

import torch

from .card import own_normalization
from .messages import ExportError
from .sources import (Source, installed, known_or_near, make_timm, outside_failures,
                      preprocess_name, record_files, record_state, take_files)
from .unpickle import read_checkpoint

SHAPES = {"cifar10": [3, 32, 32], "cifar100": [3, 32, 32], "imagenet": [3, 224, 224]}
CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet": 1000}
THREATS = ("Linf", "L2", "corruptions")

# The package imports these for attacks, data and downloads; its table of models needs none.
STAND_INS = {"autoattack": ("AutoAttack",), "autoattack.state": ("EvaluationState",),
             "pkg_resources": ("resource_filename",), "gdown": ("download",)}


def stand_in(name):
    module = types.ModuleType(name)

    def missing(*_args, **_kwargs):
        raise ExportError(f"robustbench needs {name} for this; pip install {name}")

    for attribute in STAND_INS[name]:
        setattr(module, attribute, missing)
    sys.modules[name] = module


def import_robustbench():
    for _ in range(len(STAND_INS) + 1):
        try:
            package = installed("robustbench.utils", "robustbench")
            return package, installed("robustbench.model_zoo.models").model_dicts
        except ExportError as error:
            context = error.__context__
            while context is not None and not isinstance(context, ModuleNotFoundError):
                context = context.__context__
            if context is None or context.name not in STAND_INS:
                raise
            stand_in(context.name)
            for name in [name for name in sys.modules if name.split(".")[0] == "robustbench"]:
                del sys.modules[name]
    raise ExportError("robustbench cannot be imported")


@contextlib.contextmanager
def without_downloads():
    """Constructors that ask for pretrained weights get none."""
    import timm
    import torchvision

    kept = [(timm, "create_model", timm.create_model)]
    kept += [(torchvision.models, name, value) for name, value in vars(torchvision.models).items()
             if callable(value) and name.islower() and not isinstance(value, type)
             and getattr(value, "__module__", "").startswith("torchvision.models.")]

    def plain(function):
        def make(*args, **kwargs):
            kwargs.pop("weights", None)
            if "pretrained" in kwargs:
                kwargs["pretrained"] = False
            return function(*args, **kwargs)
        return make

    for place, name, value in kept:
        setattr(place, name, plain(value))
    try:
        yield
    finally:
        for place, name, value in kept:
            setattr(place, name, value)


@contextlib.contextmanager
def careful_loading(trust, read):
    """torch.load reads without running anything; the files that it read are appended to a list."""
    kept = torch.load

    def load(path, *_args, **_kwargs):
        content = read_checkpoint(path, trust)
        read.append(os.path.realpath(path))
        return content

    torch.load = load
    try:
        yield
    finally:
        torch.load = kept


def load_by_its_rules(utils, name, args, files, num_files):
    """The package's load_model on the given files, or where it keeps and downloads its own."""
    read = []
    with contextlib.ExitStack() as stack:
        folder = args.model_dir
        if files:
            if len(files) != num_files:
                raise ExportError(f"{name}: takes {num_files} file{'s' if num_files > 1 else ''} "
                                  f"of weights, {len(files)} given")
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="export-"))
            place = os.path.join(folder, args.dataset, args.threat)
            os.makedirs(place)
            for i, path in enumerate(files):
                if not os.path.isfile(path):
                    raise ExportError(f"{path}: no such file")
                suffix = f"_m{i}.pt" if num_files > 1 else ""
                os.symlink(os.path.abspath(path), os.path.join(place, f"{name}.pt{suffix}"))
            stack.enter_context(without_downloads())
        stack.enter_context(careful_loading(args.trust, read))
        stack.enter_context(outside_failures(f"robustbench {name}"))
        model = utils.load_model(name, model_dir=folder, dataset=args.dataset,
                                 threat_model=args.threat)
    return model, read


def from_robustbench(args):
    if args.dataset not in SHAPES:
        raise ExportError(f"--dataset: '{args.dataset}' is not one of {', '.join(SHAPES)}")
    if args.threat not in THREATS:
        raise ExportError(f"--threat: '{args.threat}' is not one of {', '.join(THREATS)}")
    utils, table = import_robustbench()
    import timm

    models = next(by_threat for key, by_threat in table.items() if key.value == args.dataset)
    rows = next((rows for key, rows in models.items() if key.value == args.threat), {})
    name = known_or_near(args.robustbench, rows,
                         f"robustbench for {args.dataset} and {args.threat}")
    row = rows[name]
    version = getattr(sys.modules["robustbench"], "__version__", "")
    source = Source(name, f"robustbench{' ' + version if version else ''}, {args.dataset}, "
                          f"{args.threat}")
    source.shape = SHAPES[args.dataset]
    registered = f"{name.lower().replace('-', '_')}_{args.dataset}_{args.threat.lower()}"
    in_timm = timm.is_model(registered) or row["gdrive_id"] is None
    num_files = len(row["gdrive_id"]) if isinstance(row["gdrive_id"], list) else 1
    fresh = args.random or (in_timm and bool(args.weights))

    if fresh:
        with without_downloads(), outside_failures(f"robustbench {name}"):
            source.model = timm.create_model(registered, num_classes=CLASSES[args.dataset]) \
                if timm.is_model(registered) else row["model"]()
        if args.weights:
            take_files(source, args, source.model)
    elif in_timm:
        with outside_failures(f"robustbench {name}"):
            source.model = row["model"]()
        record_state(source, "robustbench")
    else:
        source.model, read = load_by_its_rules(utils, name, args, args.weights, num_files)
        record_files(source, read) if read else None
        if not read:
            record_state(source, "torchvision")
    describe(source, row, args)
    return source


def describe(source, row, args):
    found = own_normalization(source.model)
    if found is not None:
        source.normalization = {"mean": found[0], "std": found[1], "place": "in the model"}
    if args.dataset != "imagenet":
        return
    source.preprocess = row.get("preprocessing")
    if source.preprocess is None:
        inner = getattr(source.model, "model", source.model)
        config = getattr(inner, "default_cfg", None)
        if config:
            size = config["input_size"][1]
            source.shape = list(config["input_size"])
            source.preprocess = preprocess_name(int(size / config["crop_pct"]), size,
                                                config["interpolation"])
    if source.preprocess == "Crop288":
        source.shape = [3, 288, 288]
