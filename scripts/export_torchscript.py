#!/usr/bin/env python3
"""Export a PyTorch image classifier to the TorchScript file that igdef reads.

    export_torchscript.py FACTORY [CHECKPOINT] --input C,H,W -o FILE.pt

FACTORY makes the model: `package.module:function` or `file.py:function`, a class will do too.
CHECKPOINT is a state dict, plain or below a key such as `state_dict` or `model`, with or without a
`module.` prefix; without it the model keeps the weights its factory gave it.

    export_torchscript.py torchvision.models:resnet50 resnet50.pth --input 3,224,224 \\
        --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 -o resnet50.pt
    export_torchscript.py wideresnet.py:WideResNet trades.pt --kwargs '{"depth": 34}' \\
        --input 3,32,32 -o trades.pt

The exported model takes images [N, C, H, W] with pixels in [0, 1] and returns logits [N, classes].
--mean and --std put a normalisation module in front, inside the gradient; the layers of the model
are then found below `model.`. The file is loaded again and must give the logits and the input
gradient of the original before it gets its name; then its sha256 and its layer paths are printed.

Exit codes: 0 done, 1 failed, 2 wrong usage.
"""

import argparse
import collections
import difflib
import hashlib
import importlib
import importlib.util
import json
import os
import pickle
import sys
import tempfile
import warnings

import torch
from torch import nn

PROGRAM = "export_torchscript.py"
TOLERANCE = 1e-4
NESTED_KEYS = ("state_dict", "model_state_dict", "model", "net", "network")
PREFIXES = ("module.", "_orig_mod.", "model.")
# The batch sizes differ so that a trace with the batch size baked in is found out.
TRACE_BATCH = 2
CHECK_BATCH = 3


class ExportError(Exception):
    """A failure with a one-line message."""


class Normalize(nn.Module):
    """(x - mean) / std per channel."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, x):
        return (x - self.mean) / self.std


def note(text):
    print(f"{PROGRAM}: note: {text}", file=sys.stderr)


def first_line(error):
    """What an exception says, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    # The interpreter of TorchScript puts a stack first and what happened last.
    return lines[-1] if "TorchScript interpreter" in lines[0] else lines[0]


def some(names):
    """At most four names for a message."""
    names = list(names)
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def floats(text):
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers like 0.5,0.5,0.5")


def input_shape(text):
    try:
        shape = [int(part) for part in text.split(",")]
    except ValueError:
        shape = []
    if len(shape) != 3 or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not C,H,W like 3,32,32")
    return shape


def keyword_arguments(text):
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}")
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("not a JSON object like {\"num_classes\": 10}")
    return value


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
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ExportError(f"{where}: {type(error).__name__}: {first_line(error)}")
    return module


def make_model(factory, kwargs):
    where, colon, function = factory.rpartition(":")
    if not colon or not where or not function:
        raise ExportError(f"{factory}: a factory is package.module:function or file.py:function")
    module = import_module(where)
    if not hasattr(module, function):
        near = difflib.get_close_matches(function, dir(module), 1)
        raise ExportError(f"{where}: has no '{function}'" +
                          (f"; did you mean '{near[0]}'?" if near else ""))
    make = getattr(module, function)
    if not callable(make):
        raise ExportError(f"{factory}: not a function or class")
    try:
        model = make(**kwargs)
    except (Exception, SystemExit) as error:
        raise ExportError(f"{factory}: {type(error).__name__}: {first_line(error)}")
    if not isinstance(model, nn.Module):
        raise ExportError(f"{factory}: returned {type(model).__name__}, not a torch.nn.Module")
    return model


def read_checkpoint(path, trust):
    """What torch.load finds in a file. Only tensors and plain containers unless trusted."""
    if not os.path.isfile(path):
        raise ExportError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=not trust)
    except pickle.UnpicklingError as error:
        if not trust and "weights" in str(error).lower():
            raise ExportError(f"{path}: damaged, not a checkpoint, or holds more than tensors; "
                              "--trust loads any pickled object (it can run code)")
        raise ExportError(f"{path}: damaged or not a checkpoint: {first_line(error)}")
    except RuntimeError as error:
        raise ExportError(f"{path}: damaged or not a checkpoint: {first_line(error)}")
    except Exception:
        # The unpickler stumbles over foreign bytes in many ways that say nothing about the file.
        raise ExportError(f"{path}: damaged or not a checkpoint")


def find_state_dict(content, path, key):
    """The mapping from names to tensors inside a checkpoint, and the keys that led there."""
    if key is not None:
        for part in key.split("."):
            if not isinstance(content, collections.abc.Mapping) or part not in content:
                raise ExportError(f"{path}: has no key '{key}'")
            content = content[part]
    while True:
        if isinstance(content, nn.Module):
            return content.state_dict()
        if not isinstance(content, collections.abc.Mapping):
            raise ExportError(f"{path}: holds {type(content).__name__}, not a state dict")
        if content and all(isinstance(value, torch.Tensor) for value in content.values()):
            return dict(content)
        below = [name for name in NESTED_KEYS
                 if isinstance(content.get(name), (collections.abc.Mapping, nn.Module))]
        if not below:
            raise ExportError(f"{path}: no state dict below its keys ({some(map(str, content))}); "
                              "name one with --key")
        content = content[below[0]]


def strip_prefixes(state, names):
    """Drop wrappers' prefixes as long as that makes more names known to the model."""
    while True:
        known = sum(name in names for name in state)
        for prefix in PREFIXES:
            if state and all(name.startswith(prefix) for name in state):
                stripped = {name[len(prefix):]: value for name, value in state.items()}
                if sum(name in names for name in stripped) > known or prefix == "module.":
                    state = stripped
                    break
        else:
            return state


def load_weights(model, path, key, trust):
    own = model.state_dict()
    state = strip_prefixes(find_state_dict(read_checkpoint(path, trust), path, key), own.keys())
    for name, value in state.items():
        if name in own and value.shape != own[name].shape:
            raise ExportError(f"{path}: {name} is {list(value.shape)}, "
                              f"the model needs {list(own[name].shape)}")
    # load_state_dict knows the names that old checkpoints may lack.
    missing, unexpected = model.load_state_dict(state, strict=False)
    if missing or unexpected:
        parts = []
        if missing:
            parts.append(f"{len(missing)} of the model's names are missing ({some(missing)})")
        if unexpected:
            parts.append(f"{len(unexpected)} are not in the model ({some(unexpected)})")
        raise ExportError(f"{path}: does not fit the model: {'; '.join(parts)}")


def logits_and_gradient(model, x, weights):
    """Logits and the gradient of their weighted sum; the same random numbers on every call."""
    torch.manual_seed(1)
    x = x.detach().requires_grad_(True)
    logits = model(x)
    if weights is None:
        return logits, None
    gradient = torch.autograd.grad((logits * weights).sum(), x, allow_unused=True)[0]
    return logits.detach(), gradient


def run_eager(model, shape):
    """A random batch, what the model makes of it, and the shape of every module's output."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand([CHECK_BATCH] + shape, generator=generator)
    shapes = {}

    def record(name, output):
        # What a hook returns replaces the output: a module that is called twice, such as a ReLU,
        # must not give its first output again.
        shapes.setdefault(name, output)

    hooks = [module.register_forward_hook(lambda _m, _i, out, name=name: record(name, out))
             for name, module in model.named_modules() if name]
    try:
        logits, _ = logits_and_gradient(model, x, None)
    except Exception as error:
        raise ExportError(f"the model does not run on [{CHECK_BATCH}, "
                          f"{', '.join(map(str, shape))}]: {first_line(error)}")
    finally:
        for hook in hooks:
            hook.remove()
    if not isinstance(logits, torch.Tensor):
        raise ExportError(f"the model returns {type(logits).__name__}, not a tensor of logits")
    if logits.dim() != 2 or len(logits) != CHECK_BATCH:
        raise ExportError(f"the model returns {list(logits.shape)}, not logits "
                          f"[{CHECK_BATCH}, classes]")
    if not logits.requires_grad:
        raise ExportError("the model has no input gradient: its output is detached from x")
    weights = torch.randn(logits.shape, generator=generator)
    try:
        logits, gradient = logits_and_gradient(model, x, weights)
    except RuntimeError as error:
        raise ExportError(f"the model has no input gradient: {first_line(error)}")
    if gradient is None:
        raise ExportError("the model has no input gradient: its output does not depend on x")
    if not torch.isfinite(logits).all() or not torch.isfinite(gradient).all():
        raise ExportError("the model gives NaN or infinity on random pixels")
    shapes = {name: list(out.shape) for name, out in shapes.items()
              if isinstance(out, torch.Tensor)}
    return x, weights, logits, gradient, shapes


def export(model, method, shape):
    """The TorchScript module and the method that made it."""
    if method == "script":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scripted = torch.jit.script(model)
                # GoogLeNet and its like return a tuple once scripted.
                with torch.no_grad():
                    logits = scripted(torch.zeros([TRACE_BATCH] + shape))
            if isinstance(logits, torch.Tensor):
                return scripted, "script"
            note("the scripted model does not return a tensor; traced instead")
        except Exception as error:
            note(f"torch.jit.script failed ({first_line(error)}); traced instead")
    example = torch.rand([TRACE_BATCH] + shape, generator=torch.Generator().manual_seed(2))
    # With a gradient: without one PyTorch picks fused operations that cannot be differentiated.
    example.requires_grad_(True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            traced = torch.jit.trace(model, example, check_trace=False)
    except Exception as error:
        raise ExportError(f"torch.jit.trace failed: {first_line(error)}")
    baked = [w for w in caught if issubclass(w.category, torch.jit.TracerWarning)]
    if baked:
        # Lines of PyTorch itself tell the user nothing as long as there are others.
        own = os.path.dirname(torch.__file__)
        where = min(baked, key=lambda w: w.filename.startswith(own + os.sep))
        note(f"the trace fixed {len(baked)} value{'s' if len(baked) > 1 else ''} that may depend "
             f"on the input, first at {where.filename}:{where.lineno}")
    return traced, "trace"


def check(path, x, weights, logits, gradient):
    """Load the file and compare it with the model it was made from."""
    loaded = torch.jit.load(path, map_location="cpu")
    try:
        again, gradient_again = logits_and_gradient(loaded, x, weights)
    except Exception as error:
        raise ExportError(f"the exported model does not run: {first_line(error)}")
    if not isinstance(again, torch.Tensor) or again.shape != logits.shape:
        raise ExportError("the exported model does not return logits of the same shape")
    if gradient_again is None:
        raise ExportError("the exported model has no input gradient")
    difference = float((again - logits).abs().max())
    # Untrained and very deep models can have logits in the thousands, where 1e-4 is below the
    # resolution of a float; gradients can be far below 1e-4, so theirs is always relative.
    scale = max(1.0, float(logits.abs().max()))
    if not difference <= TOLERANCE * scale:
        raise ExportError(f"the exported model's logits differ by {difference:.3g}")
    gradient_scale = float(gradient.abs().max())
    gradient_difference = float((gradient_again - gradient).abs().max())
    if not gradient_difference <= TOLERANCE * gradient_scale:
        raise ExportError(f"the exported model's input gradient differs by "
                          f"{gradient_difference:.3g}, its largest value is {gradient_scale:.3g}")
    if gradient_scale == 0:
        note("the input gradient is zero: gradient attacks will not work on this model")
    return loaded, difference, gradient_difference


def run(args):
    if (args.mean is None) != (args.std is None):
        raise ExportError("--mean and --std go together")
    if args.mean is not None:
        for option, values in (("--mean", args.mean), ("--std", args.std)):
            if len(values) != args.input[0]:
                raise ExportError(f"{option} has {len(values)} values, "
                                  f"--input has {args.input[0]} channels")
        if not min(args.std) > 0:
            raise ExportError("--std must be above 0")
    folder = os.path.dirname(os.path.abspath(args.output))
    if not os.path.isdir(folder):
        raise ExportError(f"{args.output}: no such folder")

    model = make_model(args.factory, args.kwargs)
    if args.checkpoint is not None:
        load_weights(model, args.checkpoint, args.key, args.trust)
    if args.mean is not None:
        model = nn.Sequential(collections.OrderedDict(
            normalize=Normalize(args.mean, args.std), model=model))
    model = model.cpu().float().eval()

    x, weights, logits, gradient, shapes = run_eager(model, args.input)
    exported, method = export(model, args.method, args.input)

    # The name is given last, so that a failure leaves no file and keeps an older one.
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".export-", suffix=".pt")
    os.close(handle)
    try:
        exported.save(temporary)
        loaded, difference, gradient_difference = check(temporary, x, weights, logits, gradient)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, args.output)
    except BaseException:
        os.unlink(temporary)
        raise

    with open(args.output, "rb") as file:
        print(f"sha256  {hashlib.sha256(file.read()).hexdigest()}")
    print(f"method  {method}, {logits.shape[1]} classes, "
          f"logits within {difference:.1e}, input gradient within {gradient_difference:.1e}")
    print("layers")
    layers = [(name, module) for name, module in loaded.named_modules() if name]
    width = max((len(name) for name, _ in layers), default=0)
    for name, module in layers:
        axes = ", ".join(["N"] + [str(size) for size in shapes[name][1:]]) if name in shapes else ""
        print(f"  {name:{width}}  {module.original_name}" + (f" [{axes}]" if axes else ""))


def main():
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("factory", metavar="FACTORY")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", nargs="?")
    parser.add_argument("--input", type=input_shape, required=True, metavar="C,H,W")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.pt")
    parser.add_argument("--kwargs", type=keyword_arguments, default={}, metavar="JSON",
                        help="arguments of the factory")
    parser.add_argument("--key", help="where the state dict is in the checkpoint, like ema.model")
    parser.add_argument("--trust", action="store_true",
                        help="load checkpoints that hold more than tensors; they can run code")
    parser.add_argument("--mean", type=floats, metavar="a,b,c")
    parser.add_argument("--std", type=floats, metavar="a,b,c")
    parser.add_argument("--method", choices=("script", "trace"), default="script",
                        help="script (default) falls back to trace")
    args = parser.parse_args()
    try:
        run(args)
    except (ExportError, OSError) as error:
        sys.exit(f"{PROGRAM}: {first_line(error)}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
