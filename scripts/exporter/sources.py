"""Where models come from: a factory, RobustBench, torchvision, timm, Hugging Face's timm files.

Every source makes the model with the package that is installed, gives it its weights, and says what
the package knows about it: input size, normalisation, classes, how images are resized and cropped.
"""

import contextlib
import difflib
import importlib
import importlib.util
import json
import os
import sys

from torch import nn

from .card import file_digest, state_digest
from .checkpoint import load_weights
from .messages import ExportError, first_line, note, reason
from .unpickle import read_checkpoint


class Source:
    """A model, and what is known about it."""

    def __init__(self, name, origin):
        self.name, self.origin = name, origin
        self.model = None
        self.shape = None  # [C, H, W]; None where only the user knows
        self.mean = self.std = None  # of a normalisation that is put in front
        self.normalization = None  # as recorded
        self.classes = None  # names
        self.preprocess = None  # how images of a folder are resized and cropped
        self.weights = None  # as recorded


@contextlib.contextmanager
def outside_failures(where):
    """Whatever fails in a package becomes one line; what it prints goes to stderr."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except ExportError:
        raise
    except (Exception, SystemExit) as error:
        raise ExportError(f"{where}: {type(error).__name__}: {first_line(error)}")


def installed(name, package=None):
    try:
        with outside_failures(name):
            return importlib.import_module(name)
    except ExportError as error:
        if isinstance(error.__context__, ModuleNotFoundError):
            missing = error.__context__.name or name
            hint = package or missing if missing.split(".")[0] == name.split(".")[0] else missing
            raise ExportError(f"{name} cannot be imported: {error.__context__}; "
                              f"pip install {hint}")
        raise


def known_or_near(name, names, what):
    if name in names:
        return name
    lower = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), lower, 1)
    raise ExportError(f"{what} has no model '{name}'" +
                      (f"; did you mean '{lower[near[0]]}'?" if near else ""))


def take_files(source, args, model):
    """Give the model the weights of --weights, in the given order of files."""
    for path in args.weights:
        found = load_weights(model, read_checkpoint(path, args.trust), path, args.key,
                             args.allow_missing, args.ignore)
        if found is not None:
            take_found_normalization(source, args, found, path)
    record_files(source, args.weights)


def take_found_normalization(source, args, found, path):
    mean, std = found
    text = f"mean {','.join(f'{v:g}' for v in mean)} and std {','.join(f'{v:g}' for v in std)}"
    given = args.mean is not None
    if given and any(abs(a - b) > 1e-3 for a, b in zip(mean + std, args.mean + args.std)):
        raise ExportError(f"{path}: holds a normalisation of {text}, --mean and --std say "
                          "otherwise; --ignore mean,std,new_mean,new_std leaves it out")
    if not given and not args.no_normalization:
        source.mean, source.std = mean, std
        note(f"{path}: holds a normalisation, which is put in front of the model: {text}; "
             "--no-normalization leaves it out")


def record_files(source, paths):
    source.weights = [{"file": os.path.basename(path), "sha256": file_digest(path)}
                      for path in paths]


def record_state(source, origin):
    source.weights = [{"from": origin, "sha256_of_tensors": state_digest(source.model)}]


# ---- A factory

def import_module(where):
    """The module of a factory: a file when it ends in .py, else a name on the Python path."""
    if not where.endswith(".py"):
        sys.path.insert(0, os.getcwd())
        try:
            return importlib.import_module(where)
        except ModuleNotFoundError as error:
            raise ExportError(f"{where}: {error}")
        except (Exception, SystemExit) as error:
            raise ExportError(f"{where}: {type(error).__name__}: {first_line(error)}")
    if not os.path.isfile(where):
        raise ExportError(f"{where}: no such file")
    # The file's neighbours can be imported, and torch.jit.script finds its source by module name.
    sys.path.insert(0, os.path.dirname(os.path.abspath(where)))
    name = os.path.splitext(os.path.basename(where))[0]
    spec = importlib.util.spec_from_file_location(name, where)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with outside_failures(where):
        spec.loader.exec_module(module)
    return module


def from_factory(args):
    where, colon, function = args.factory.rpartition(":")
    if not colon or not where or not function:
        raise ExportError(f"{args.factory}: a factory is package.module:function or "
                          "file.py:function")
    module = import_module(where)
    if not hasattr(module, function):
        near = difflib.get_close_matches(function, dir(module), 1)
        raise ExportError(f"{where}: has no '{function}'" +
                          (f"; did you mean '{near[0]}'?" if near else ""))
    make = getattr(module, function)
    if not callable(make):
        raise ExportError(f"{args.factory}: not a function or class")
    source = Source(function, args.factory)
    with outside_failures(args.factory):
        source.model = make(**args.kwargs)
    if not isinstance(source.model, nn.Module):
        raise ExportError(f"{args.factory}: returned {type(source.model).__name__}, "
                          "not a torch.nn.Module")
    if args.weights:
        take_files(source, args, source.model)
    return source


# ---- torchvision

def preprocess_name(resize, crop, interpolation, squash=False):
    """RobustBench's way of naming a resize and a crop: BicubicRes256Crop224."""
    if interpolation not in ("bilinear", "bicubic"):
        return None
    prefix = "Bicubic" if interpolation == "bicubic" else ""
    return f"{prefix}Res{resize}" + ("" if squash else f"Crop{crop}")


def from_torchvision(args):
    models = installed("torchvision.models", "torchvision")
    if not hasattr(models, "get_model"):
        raise ExportError("torchvision is too old for --torchvision; 0.14 and newer will do")
    name = known_or_near(args.torchvision.lower(), models.list_models(module=models),
                         "torchvision")
    source = Source(name, f"torchvision {sys.modules['torchvision'].__version__}")
    table = models.get_model_weights(name)
    chosen = table.DEFAULT if len(table) else None
    by_name = args.weights[0] if len(args.weights) == 1 else None
    if by_name in table.__members__:
        chosen, args.weights = table[by_name], []
    fresh = bool(args.weights) or args.random
    with outside_failures(f"torchvision {name}"):
        source.model = models.get_model(name, weights=None if fresh else chosen, **args.kwargs)
    if chosen is not None:
        recipe = chosen.transforms()
        size = recipe.crop_size[0]
        source.shape = [3, size, size]
        source.mean, source.std = list(recipe.mean), list(recipe.std)
        source.preprocess = preprocess_name(recipe.resize_size[0], size,
                                            recipe.interpolation.value)
        if "num_classes" not in args.kwargs:
            source.classes = list(chosen.meta["categories"])
    if args.weights:
        take_files(source, args, source.model)
    elif not args.random:
        record_state(source, str(chosen))
    return source


# ---- timm and Hugging Face

def describe_timm(source, config):
    """What timm's configuration of pretrained weights says."""
    size = list(config.get("input_size") or []) or None
    source.shape = size
    source.mean = list(config["mean"]) if config.get("mean") else None
    source.std = list(config["std"]) if config.get("std") else None
    if size and config.get("crop_pct"):
        source.preprocess = preprocess_name(int(size[1] / config["crop_pct"]), size[1],
                                            config.get("interpolation", "bilinear"))
    labels = config.get("label_names")
    if labels:
        source.classes = list(labels)


def make_timm(name, where, **kwargs):
    timm = installed("timm")
    try:
        with outside_failures(where):
            return timm.create_model(name, **kwargs)
    except ExportError as error:
        if kwargs.get("pretrained"):
            raise ExportError(f"{error}; give the file with --weights, or --random")
        raise


def from_timm(args):
    timm = installed("timm")
    known_or_near(args.timm.partition(".")[0], timm.list_models(), "timm")
    source = Source(args.timm, f"timm {timm.__version__}")
    fresh = bool(args.weights) or args.random
    source.model = make_timm(args.timm, f"timm {args.timm}", pretrained=not fresh, **args.kwargs)
    config = getattr(source.model, "pretrained_cfg", None) or \
        getattr(source.model, "default_cfg", {})
    describe_timm(source, config)
    if args.weights:
        take_files(source, args, source.model)
    elif not args.random:
        record_state(source, str(config.get("hf_hub_id") or config.get("url") or "timm"))
    return source


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        raise ExportError(f"{path}: no such file")
    except (ValueError, OSError) as error:
        raise ExportError(f"{path}: {first_line(error)}")


WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors")


def from_hf_folder(args, folder):
    config = read_json(os.path.join(folder, "config.json"))
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        kind = config.get("model_type") if isinstance(config, dict) else None
        raise ExportError(f"{folder}/config.json: names no timm architecture" +
                          (f" (a '{kind}' of the transformers library)" if kind else "") +
                          "; only timm's files are read")
    pretrained = config.get("pretrained_cfg") or config
    arguments = dict(config.get("model_args") or {})
    for key in ("num_classes", "global_pool"):
        if config.get(key) is not None:
            arguments.setdefault(key, config[key])
    arguments.update(args.kwargs)
    timm = installed("timm")
    name = known_or_near(config["architecture"], timm.list_models(), "timm")
    source = Source(name, f"{os.path.basename(os.path.abspath(folder))}, timm {timm.__version__}")
    source.model = make_timm(name, folder, pretrained=False, **arguments)
    describe_timm(source, pretrained)
    if not source.classes and isinstance(config.get("label_names"), list):
        source.classes = list(config["label_names"])
    if not args.random:
        if not args.weights:
            found = [os.path.join(folder, file) for file in WEIGHT_FILES
                     if os.path.isfile(os.path.join(folder, file))]
            if not found:
                raise ExportError(f"{folder}: holds none of {', '.join(WEIGHT_FILES)}")
            args.weights = found[:1]
        take_files(source, args, source.model)
    return source


def from_hf(args):
    if os.path.isdir(args.hf):
        return from_hf_folder(args, args.hf)
    if args.hf.count("/") != 1 or args.hf.startswith((".", "/")):
        raise ExportError(f"{args.hf}: no such folder, and not OWNER/NAME of a repository")
    hub = installed("huggingface_hub")
    with outside_failures(args.hf):
        patterns = ["config.json"] if args.random else ["config.json", *WEIGHT_FILES]
        folder = hub.snapshot_download(args.hf, allow_patterns=patterns)
    return from_hf_folder(args, folder)
