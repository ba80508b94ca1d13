"""Reads checkpoints without running what is in them.

torch.load takes the unpickler of a module that is given to it. The one here knows tensors, numbers,
text and plain containers, numpy's scalars and arrays, and argparse.Namespace, in which many
trainers keep their options: none of these runs anything of the file. Whatever else a file names
is refused by name.
"""

import os
import pickle
import sys
import types
import warnings

import torch

from .messages import ExportError, first_line

# Before anybody replaces it: RobustBench's loader is run with another torch.load.
torch_load = torch.load

ALLOWED = {
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("builtins", "set"),
    ("builtins", "dict"), ("builtins", "list"), ("builtins", "int"), ("builtins", "float"),
    ("builtins", "complex"), ("builtins", "bytearray"), ("builtins", "slice"),
    ("argparse", "Namespace"), ("_codecs", "encode"),
    ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_parameter_with_state"), ("torch", "Size"), ("torch", "device"),
    ("torch.nn.parameter", "Parameter"), ("torch", "Tensor"),
    ("torch.serialization", "_get_layout"),
    ("numpy", "dtype"), ("numpy", "ndarray"),
}
NUMPY = {"scalar", "_reconstruct"}
OLD_NAMES = {"__builtin__": "builtins"}


class Refused(pickle.UnpicklingError):
    """A file that holds something else than numbers, tensors and containers."""


def is_number_type(module, name):
    """torch.float32, torch.FloatStorage, torch.storage.UntypedStorage and their like."""
    if module not in ("torch", "torch.storage", "torch.cuda") or "." in name:
        return False
    found = getattr(sys.modules.get(module, torch), name, None)
    return isinstance(found, torch.dtype) or name.endswith("Storage")


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        module = OLD_NAMES.get(module, module)
        numpy = module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in NUMPY
        if not ((module, name) in ALLOWED or is_number_type(module, name) or numpy or
                module == "numpy.dtypes"):
            raise Refused(f"holds {module}.{name}")
        if numpy:
            from numpy import __version__ as version
            module = "numpy._core.multiarray" if version >= "2" else "numpy.core.multiarray"
        return super().find_class(module, name)


careful = types.ModuleType("careful_pickle")
vars(careful).update({name: value for name, value in vars(pickle).items() if name[0] != "_"})
careful.Unpickler = Unpickler
careful.load = lambda file, **kwargs: Unpickler(file, **kwargs).load()
careful.loads = None


def load_carefully(path):
    # PyTorch 1.13 passes over the module that it is given and takes the one it has imported.
    kept = torch.serialization.pickle
    torch.serialization.pickle = careful
    try:
        return torch_load(path, map_location="cpu", pickle_module=careful, weights_only=False)
    finally:
        torch.serialization.pickle = kept


def read_safetensors(path):
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise ExportError(f"{path}: a safetensors file; pip install safetensors")
    try:
        return load_file(path)
    except Exception as error:
        raise ExportError(f"{path}: damaged or not a safetensors file: {first_line(error)}")


def read_checkpoint(path, trust=False):
    """What a checkpoint holds, on the CPU. Nothing of it is run unless trusted."""
    path = os.fspath(path)
    if os.path.isdir(path):
        raise ExportError(f"{path}: is a folder")
    if not os.path.isfile(path):
        raise ExportError(f"{path}: no such file")
    with open(path, "rb") as file:
        start = file.read(512)
    if path.endswith(".safetensors"):
        return read_safetensors(path)
    if start.startswith(b"version https://git-lfs"):
        raise ExportError(f"{path}: a pointer of Git LFS, not the file; git lfs pull")
    if start.lstrip()[:1] == b"<":
        raise ExportError(f"{path}: a web page, not a checkpoint; the download failed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if trust:
                return torch_load(path, map_location="cpu", weights_only=False)
            return load_carefully(path)
    except Refused as error:
        raise ExportError(f"{path}: {error}, more than tensors and numbers; "
                          "--trust loads any pickled object (it can run code)")
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise ExportError(f"{path}: damaged or not a checkpoint: {first_line(error)}")
    except Exception as error:
        if trust and not isinstance(error, (EOFError, UnicodeDecodeError)):
            raise ExportError(f"{path}: {type(error).__name__}: {first_line(error)}")
        # The unpickler stumbles over foreign bytes in many ways that say nothing about the file.
        raise ExportError(f"{path}: damaged or not a checkpoint")
