#!/usr/bin/env python3
"""Export a PyTorch image classifier to the TorchScript file that igdef reads.

    export_torchscript.py SOURCE [--weights FILE | --random] [--input C,H,W] -o FILE.pt

SOURCE is one of

    --robustbench NAME --dataset cifar10|cifar100|imagenet --threat Linf|L2|corruptions
    --torchvision NAME
    --timm NAME
    --hf FOLDER or OWNER/NAME     config.json and weights of a timm model on Hugging Face
    FACTORY [CHECKPOINT]          package.module:function or file.py:function, a class will do too

The named package must be installed. It builds the model, says what images it takes, and finds its
weights where it keeps them; --weights takes them from a file (several for an ensemble, in the
package's order), --random makes seeded random ones for tests.

    export_torchscript.py --robustbench Wang2023Better_WRN-28-10 --dataset cifar10 --threat Linf \\
        --weights wang2023.pt -o wang2023.pt
    export_torchscript.py --torchvision resnet50 --weights resnet50.pth -o resnet50.pt
    export_torchscript.py --hf ./vit_small -o vit_small.pt
    export_torchscript.py wideresnet.py:WideResNet trades.pt --kwargs '{"depth": 34}' \\
        --input 3,32,32 -o trades.pt

A checkpoint is a state dict, plain or below keys such as `state_dict`, with or without the prefixes
that training leaves (`module.`, `model.`, `1.`); which weights were taken is said where there is a
choice, --key takes others. Numbers and options beside the tensors do no harm.

The exported model takes images [N, C, H, W] with pixels in [0, 1] and returns logits [N, classes].
A normalisation that the package or the checkpoint keeps beside the model, or --mean and --std, is
put in front, inside the gradient; the layers of the model are then found below `model.`. The file
is loaded again and must give the logits and the input gradient of the original before it gets its
name; then its sha256 and its layer paths are printed. Name, source, digest of the weights,
normalisation, input size, classes and the way to resize images go into the file, for igdef.

Exit codes: 0 done, 1 failed, 2 wrong usage.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import sys
import tempfile
import warnings

# torch and the packages are imported below, so that wrong usage is said at once.
PROGRAM = "export_torchscript.py"


def floats(text):
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers like 0.5,0.5,0.5")


def texts(text):
    return [part for part in text.split(",") if part]


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


def arguments(argv=None):
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("factory", metavar="FACTORY", nargs="?")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", nargs="?")
    source = parser.add_argument_group("source")
    source.add_argument("--robustbench", metavar="NAME")
    source.add_argument("--dataset", metavar="D", default="cifar10")
    source.add_argument("--threat", metavar="T", default="Linf")
    source.add_argument("--model-dir", metavar="DIR", default="./models",
                        help="where RobustBench keeps its weights")
    source.add_argument("--torchvision", metavar="NAME")
    source.add_argument("--timm", metavar="NAME")
    source.add_argument("--hf", metavar="REPO_OR_FOLDER")
    source.add_argument("--kwargs", type=keyword_arguments, default={}, metavar="JSON",
                        help="arguments of the factory or the package's constructor")
    weights = parser.add_argument_group("weights")
    weights.add_argument("--weights", nargs="+", default=[], metavar="FILE",
                         help="files of weights; for torchvision also the name of its weights")
    weights.add_argument("--random", action="store_true", help="random weights, for tests")
    weights.add_argument("--seed", type=int, default=0, help="of --random")
    weights.add_argument("--key", help="where the weights are in the checkpoint, like ema.model")
    weights.add_argument("--allow-missing", type=texts, default=[], metavar="NAME,NAME",
                         help="names that the checkpoint may lack; the model keeps its values")
    weights.add_argument("--ignore", type=texts, default=[], metavar="NAME,NAME",
                         help="names in the checkpoint that the model does not have")
    weights.add_argument("--trust", action="store_true",
                         help="load checkpoints that hold more than tensors; they can run code")
    images = parser.add_argument_group("images")
    images.add_argument("--input", type=input_shape, metavar="C,H,W",
                        help="size of the images where the source does not say, or another one")
    images.add_argument("--mean", type=floats, metavar="a,b,c")
    images.add_argument("--std", type=floats, metavar="a,b,c")
    images.add_argument("--no-normalization", action="store_true",
                        help="put none in front, whatever the source says")
    parser.add_argument("--method", choices=("auto", "script", "trace"), default="auto",
                        help="auto (default) tries script, then trace")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.pt")
    args = parser.parse_intermixed_args(argv)

    sources = [args.factory, args.robustbench, args.torchvision, args.timm, args.hf]
    if sum(value is not None for value in sources) != 1:
        parser.error("give one of FACTORY, --robustbench, --torchvision, --timm and --hf")
    if args.checkpoint is not None:
        if args.weights:
            parser.error("CHECKPOINT and --weights are both given")
        args.weights = [args.checkpoint]
    if args.random and args.weights:
        parser.error("--random and weights are both given")
    if args.factory is not None and args.input is None:
        parser.error("--input C,H,W is missing: what images does the model take?")
    if (args.mean is None) != (args.std is None):
        parser.error("--mean and --std go together")
    if args.mean is not None and args.no_normalization:
        parser.error("--mean and --no-normalization are both given")
    return args


def make_source(args):
    from exporter import robustbench, sources

    if args.robustbench is not None:
        return robustbench.from_robustbench(args)
    if args.torchvision is not None:
        return sources.from_torchvision(args)
    if args.timm is not None:
        return sources.from_timm(args)
    if args.hf is not None:
        return sources.from_hf(args)
    return sources.from_factory(args)


def settle_shape(source, args):
    from exporter.messages import ExportError

    shape = args.input or source.shape
    if shape is None:
        raise ExportError(f"{source.name}: says no input size; give --input C,H,W")
    if args.input is not None and source.shape is not None and args.input != source.shape:
        source.preprocess = None  # it gives images of the other size
    source.shape = shape


def put_normalization(source, args):
    """The model, with the normalisation that the source or the user asks for in front."""
    import torch
    from torch import nn

    from exporter.messages import ExportError

    class Normalize(nn.Module):
        """(x - mean) / std per channel."""

        def __init__(self, mean, std):
            super().__init__()
            self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
            self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

        def forward(self, x):
            return (x - self.mean) / self.std

    mean, std = (args.mean, args.std) if args.mean is not None else (source.mean, source.std)
    if mean is None or std is None or args.no_normalization:
        return source.model
    for option, values in (("--mean", mean), ("--std", std)):
        if len(values) not in (1, source.shape[0]):
            raise ExportError(f"{option} has {len(values)} values, "
                              f"the images have {source.shape[0]} channels")
    if not min(std) > 0:
        raise ExportError("--std must be above 0")
    source.normalization = {"mean": mean, "std": std, "place": "in front"}
    return nn.Sequential(collections.OrderedDict(normalize=Normalize(mean, std),
                                                 model=source.model))


def save_checked(model, method, convert, reference, shape, path, card):
    """Make the program, write it, and compare it with the model."""
    import torch

    from exporter.check import check

    program, functions = convert(model, shape)
    torch.jit.save(program, path, _extra_files={card[0]: card[1].encode()})
    return method, check(path, reference, functions)


def first_that_passes(model, method, reference, shape, path, card):
    """Try the methods in turn; the reasons of all are the message where none passes."""
    from exporter import convert
    from exporter.messages import ExportError, note, reason

    ways = [("script", lambda m, s: (convert.script(m, s), [])), ("trace", convert.trace),
            ("trace with scripted helpers", convert.trace_with_helpers)]
    if method != "auto":
        ways = [way for way in ways if way[0].startswith(method)]
    failures = []
    for name, way in ways:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                found = save_checked(model, name, way, reference, shape, path, card)
        except Exception as error:
            failures.append(f"{name}: {reason(error)}")
            continue
        if failures:
            note(f"{failures[0]}; {'traced' if name != 'script' else 'scripted'} instead")
        return found
    raise ExportError("no program gives what the model gives; " + "; ".join(failures))


def print_file(path, method, verdict, reference):
    with open(path, "rb") as file:
        print(f"sha256  {hashlib.sha256(file.read()).hexdigest()}")
    print(f"method  {method}, {reference.num_classes} classes, logits within "
          f"{verdict.logits:.1e}, input gradient within {verdict.gradient:.1e} ({verdict.how})")
    print("layers")
    layers = [(name, module) for name, module in verdict.program.named_modules() if name]
    width = max((len(name) for name, _ in layers), default=0)
    for name, module in layers:
        axes = ""
        if name in reference.shapes:
            axes = ", ".join(["N"] + [str(size) for size in reference.shapes[name][1:]])
        print(f"  {name:{width}}  {module.original_name}" + (f" [{axes}]" if axes else ""))


def build(args):
    """The model with its weights and normalisation, in eval mode, and what is known about it."""
    import torch

    from exporter import card
    from exporter.randomize import randomize

    if args.random:
        torch.manual_seed(args.seed)
    source = make_source(args)
    settle_shape(source, args)
    model = put_normalization(source, args).cpu().float().eval()
    with contextlib.redirect_stdout(sys.stderr):
        if args.random:
            randomize(model, source.shape, args.seed)
            source.weights = [{"random": args.seed, "sha256_of_tensors": card.state_digest(model)}]
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return source, model


def write(args, source, model):
    """Export the model to args.output; returns the method, the verdict and the reference."""
    from exporter import card
    from exporter.check import Reference

    with contextlib.redirect_stdout(sys.stderr):
        reference = Reference(model, source.shape)
    text = card.make_card(source, reference.num_classes, source.shape)

    # The name is given last, so that a failure leaves no file and keeps an older one.
    # The archive's folder is named after the file, so the same model gives the same bytes.
    folder = os.path.dirname(os.path.abspath(args.output))
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as place:
        temporary = os.path.join(place, "model.pt")
        method, verdict = first_that_passes(model, args.method, reference, source.shape, temporary,
                                            (card.FILE, text))
        os.replace(temporary, args.output)
    return method, verdict, reference


def run(args):
    from exporter.messages import ExportError

    if not os.path.isdir(os.path.dirname(os.path.abspath(args.output))):
        raise ExportError(f"{args.output}: no such folder")
    if os.path.isdir(args.output):
        raise ExportError(f"{args.output}: is a folder")
    source, model = build(args)
    print_file(args.output, *write(args, source, model))


def main():
    args = arguments()
    warnings.filterwarnings("ignore")  # of old and new versions of packages, about each other
    try:
        from exporter.messages import ExportError, reason
    except ImportError as error:
        sys.exit(f"{PROGRAM}: {error}; PyTorch must be installed for {sys.executable}")
    try:
        run(args)
    except ModuleNotFoundError as error:
        sys.exit(f"{PROGRAM}: {error}; {sys.executable} needs it")
    except KeyboardInterrupt:
        sys.exit(130)
    except (ExportError, OSError, MemoryError) as error:
        sys.exit(f"{PROGRAM}: {reason(error)}")
    except Exception as error:
        # A fault of the exporter's own; the message still is one line.
        sys.exit(f"{PROGRAM}: {type(error).__name__}: {reason(error)}")


if __name__ == "__main__":
    if "PYTHONHASHSEED" not in os.environ:
        # PyTorch writes the constants of a class in the order of a set of names: the same model
        # would give other bytes every time.
        os.execve(sys.executable, [sys.executable, *sys.argv],
                  {**os.environ, "PYTHONHASHSEED": "0"})
    main()
