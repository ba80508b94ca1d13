"""What a program is told about itself: an extra file of its archive, which igdef reads."""

import hashlib
import json

import torch

FORMAT = "igdef.model/1"
FILE = "igdef.json"


def file_digest(path):
    sums = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sums.update(block)
    return sums.hexdigest()


def state_digest(model):
    """SHA-256 over the names, types, shapes and bytes of a model's weights."""
    sums = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if not isinstance(value, torch.Tensor):
            continue
        value = value.detach().cpu().contiguous()
        sums.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        sums.update(value.reshape(-1).view(torch.uint8).numpy().tobytes()
                    if value.numel() else b"")
    return sums.hexdigest()


def own_normalization(model):
    """Mean and std of a normalisation that the model brings along; None where none is found."""
    for module in model.modules():
        values = dict(module.named_buffers(recurse=False))
        values.update({name: value for name, value in vars(module).items()
                       if isinstance(value, torch.Tensor)})
        for mean, std in (("mean", "std"), ("mu", "sigma")):
            if mean in values and std in values and values[mean].numel() in (1, 3):
                return tuple([float(f"{float(x):.6g}") for x in values[name].flatten()]
                             for name in (mean, std))
    return None


def make_card(source, num_classes, shape):
    """The text of the extra file."""
    card = {
        "format": FORMAT,
        "name": source.name,
        "source": source.origin,
        "weights": source.weights,
        "input": list(shape),
        "num_classes": num_classes,
        "normalization": source.normalization,
        "preprocess": source.preprocess,
        "torch": torch.__version__,
    }
    if source.classes is not None:
        card["classes"] = source.classes
    return json.dumps(card, ensure_ascii=False, sort_keys=False)
