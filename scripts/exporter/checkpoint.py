"""From what a checkpoint holds to the weights of a model.

Published checkpoints keep the weights below keys such as `state_dict`, beside an optimizer, options
and a second set of averaged weights, and under the prefixes of every wrapper that the training put
around the model. A set of weights is found by how many of the model's names it has; what is chosen
where there is a choice is said.
"""

import collections
import re

import torch
from torch import nn

from .messages import ExportError, note, some

# Where several sets fit, the first of these keys wins.
KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "params")
DEPTH = 4  # of keys below keys
NORMALIZATION = re.compile(r"(?:^|\.)(?:new_)?(mean|std|mu|sigma)$")


def is_mapping(value):
    return isinstance(value, collections.abc.Mapping)


def tensors_of(content):
    """The tensors of a mapping by name; numbers and options beside them are left out."""
    state = collections.OrderedDict((str(name), value) for name, value in content.items()
                                    if isinstance(value, torch.Tensor))
    # Which version of a layer wrote its weights; MNASNet cannot be read without.
    metadata = getattr(content, "_metadata", None)
    if metadata is not None:
        state._metadata = metadata
    return state


def all_sets(content, path="", depth=0):
    """Every mapping with tensors in a checkpoint, with the keys that lead there."""
    if isinstance(content, nn.Module):
        content = content.state_dict()
    if not is_mapping(content) or depth > DEPTH:
        return []
    found = []
    state = tensors_of(content)
    if state:
        found.append((path, state))
    for key, value in content.items():
        if is_mapping(value) or isinstance(value, nn.Module):
            found += all_sets(value, f"{path}.{key}" if path else str(key), depth + 1)
    return found


def prefixes(state, names):
    """The prefixes of a set, each with the number of the model's names that follow it."""
    count = collections.Counter()
    for name in state:
        parts = name.split(".")
        for i in range(len(parts)):
            if ".".join(parts[i:]) in names:
                count["".join(part + "." for part in parts[:i])] += 1
    return count


def best_prefix(state, names):
    """The shortest of the prefixes that the most of the model's names follow; None without any."""
    count = prefixes(state, names)
    return min(count, key=lambda prefix: (-count[prefix], len(prefix)), default=None)


def strip(state, prefix):
    """The names below a prefix without it, and what lies elsewhere."""
    inside, outside = collections.OrderedDict(), collections.OrderedDict()
    for name, value in state.items():
        if name.startswith(prefix):
            inside[name[len(prefix):]] = value
        else:
            outside[name] = value
    metadata = getattr(state, "_metadata", None)
    if metadata is not None:
        inside._metadata = collections.OrderedDict(
            (name[len(prefix):], value) for name, value in metadata.items()
            if name.startswith(prefix))
        inside._metadata.setdefault("", metadata.get(prefix.rstrip("."), {}))
    return inside, outside


def choose_set(content, path, key, names):
    """The set of weights that fits the model, and what is said about the others that do."""
    if key is not None:
        for part in key.split("."):
            if not is_mapping(content) or part not in content:
                raise ExportError(f"{path}: has no key '{key}'")
            content = content[part]
        sets = all_sets(content)
    else:
        sets = all_sets(content)
    if not sets:
        holds = f"its keys ({some(map(str, content))})" if is_mapping(content) else None
        raise ExportError(f"{path}: no state dict below {holds}; name one with --key" if holds
                          else f"{path}: holds {type(content).__name__}, not a state dict")

    def fit(entry):
        prefix = best_prefix(entry[1], names)
        return 0 if prefix is None else prefixes(entry[1], names)[prefix]

    def order(entry):
        last = entry[0].rpartition(".")[2]
        return KEYS.index(last) if last in KEYS else len(KEYS)

    best = max(map(fit, sets))
    fitting = [entry for entry in sets if fit(entry) == best] if best else sets[:1]
    fitting.sort(key=order)
    taken, state = fitting[0]
    others = [where for where, _ in fitting[1:] if where]
    if others and key is None:
        note(f"{path}: took the weights below '{taken}'; it also has "
             f"{', '.join(f'{where!r} (--key {where})' for where in others[:4])}")
    return state


def take_normalization(outside):
    """The mean and std that a checkpoint keeps beside the weights, in lists; None without."""
    found = {}
    for name, value in list(outside.items()):
        match = NORMALIZATION.search(name)
        if match and value.numel() <= 16:
            kind = {"mu": "mean", "sigma": "std"}.get(match.group(1), match.group(1))
            numbers = [float(x) for x in value.flatten()]
            if found.setdefault(kind, numbers) != numbers:
                return None
    if set(found) != {"mean", "std"} or len(found["mean"]) != len(found["std"]):
        return None
    return found["mean"], found["std"]


def drop_repeated(inside, outside, names):
    """Leaves out weights that the checkpoint holds a second time under another prefix."""
    while outside:
        prefix = best_prefix(outside, names)
        if prefix is None:
            return outside
        again, rest = strip(outside, prefix)
        same = all(name in inside and torch.equal(value, inside[name])
                   for name, value in again.items())
        if not same:
            return outside
        outside = rest
    return outside


def split_set(state, names):
    """The weights under the model's names, the normalisation beside them, and what is left."""
    prefix = best_prefix(state, names)
    if prefix is None:
        return state, None, {}
    inside, outside = strip(state, prefix)
    outside = drop_repeated(inside, outside, names)
    normalization = take_normalization(outside)
    if normalization is not None:
        outside = {name: value for name, value in outside.items()
                   if not NORMALIZATION.search(name)}
    return inside, normalization, outside


def below(name, patterns):
    return any(name == pattern or name.startswith(pattern + ".") or
               name.rpartition(".")[2] == pattern for pattern in patterns)


def inner_prefix(content, names):
    """The wrapper around the model, `model.` of a normalised one, whose names the file lacks."""
    def fit(outer):
        inner = {name[len(outer):] for name in names if name.startswith(outer)}
        return max((max(prefixes(state, inner).values(), default=0)
                    for _, state in all_sets(content)), default=0)

    wrappers = sorted({name.split(".")[0] + "." for name in names if "." in name})
    best = max([""] + wrappers, key=fit) if fit("") < len(names) // 2 else ""
    return best if fit(best) > len(names) // 2 else ""


def load_weights(model, content, path, key=None, allow_missing=(), ignore=()):
    """Give a model the weights of a checkpoint; returns (mean, std) that it holds, or None."""
    wrapper = inner_prefix(content, model.state_dict().keys()).rstrip(".")
    if wrapper:
        kept = [name for name in model.state_dict() if not name.startswith(wrapper + ".")]
        if not all(NORMALIZATION.search(name) for name in kept):
            raise ExportError(f"{path}: does not fit the model: its names are those below "
                              f"'{wrapper}', and {some(kept)} are missing")
        model = getattr(model, wrapper)
    own = model.state_dict()
    state = choose_set(content, path, key, own.keys())
    inside, normalization, outside = split_set(state, own.keys())
    for name, value in inside.items():
        if name in own and value.shape != own[name].shape and not below(name, ignore):
            raise ExportError(f"{path}: {name} is {list(value.shape)}, "
                              f"the model needs {list(own[name].shape)}")
    for name in [name for name in inside if below(name, ignore)]:
        del inside[name]
    # load_state_dict knows the names that old checkpoints may lack.
    try:
        missing, unexpected = model.load_state_dict(inside, strict=False)
    except Exception as error:
        raise ExportError(f"{path}: does not fit the model: {type(error).__name__}: {error}")
    missing = [name for name in missing if not below(name, allow_missing)]
    unexpected = list(unexpected) + [name for name in outside if not below(name, ignore)]
    if missing or unexpected:
        parts = []
        if missing:
            parts.append(f"{len(missing)} of the model's names are missing ({some(missing)}); "
                         "--allow-missing keeps the model's own values")
        if unexpected:
            parts.append(f"{len(unexpected)} are not in the model ({some(unexpected)}); "
                         "--ignore leaves them out")
        raise ExportError(f"{path}: does not fit the model: {'; '.join(parts)}")
    return normalization
