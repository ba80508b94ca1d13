"""Makes a TorchScript program of a model: by torch.jit.script, and by torch.jit.trace.

A Python autograd.Function has no TorchScript form. While a model is traced, its forward is run as
ordinary operations that autograd differentiates itself, so that the program has a gradient too;
whether that gradient is the model's own is for the check to say.
"""

import contextlib
import inspect
import os
import sys
import types
import warnings

import torch

from .helpers import scripted_helpers
from .messages import ExportError, first_line, note, reason, some

# Another size than the check's, so that a trace with the batch size baked in is found out.
TRACE_BATCH = 2


class PlainContext:
    """What a Function's forward may use of its context where nothing is saved for backward."""

    def __init__(self, args):
        self.needs_input_grad = tuple(isinstance(arg, torch.Tensor) and arg.requires_grad
                                      for arg in args)
        self.saved_tensors = ()

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors

    def save_for_forward(self, *tensors):
        pass

    def mark_dirty(self, *tensors):
        pass

    def mark_non_differentiable(self, *tensors):
        pass

    def set_materialize_grads(self, value):
        pass


def own_functions():
    """The autograd.Functions that are not PyTorch's."""
    waiting, found = [torch.autograd.Function], []
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            if cls.__module__.split(".")[0] != "torch":
                found.append(cls)
    return found


def run_plainly(cls):
    takes_context = True
    setup = getattr(cls, "setup_context", None)
    if setup is not None:
        takes_context = setup is getattr(torch.autograd.Function, "setup_context", None)

    def apply(*args, **kwargs):
        context = (PlainContext(args),) if takes_context else ()
        return cls.forward(*context, *args, **kwargs)

    return apply


def bound_applies(model, functions):
    """Places that keep `SomeFunction.apply` itself: (mapping, name, class) of each."""
    classes = [type(module) for module in model.modules()]
    modules = {sys.modules.get(cls.__module__) for cls in classes + functions} - {None}
    places = [vars(module) for module in modules] + [vars(module) for module in model.modules()]
    found = []
    for place in places:
        for name, value in list(place.items()):
            cls = getattr(value, "__self__", None)
            if getattr(value, "__name__", "") == "apply" and cls in functions:
                found.append((place, name, cls))
    return found


@contextlib.contextmanager
def plain_functions(model):
    """Every autograd.Function of the model's packages is run through its forward alone."""
    functions = own_functions()
    bound = [(place, name, cls, place[name])
             for place, name, cls in bound_applies(model, functions)]
    kept = [(cls, vars(cls).get("apply")) for cls in functions]
    used = set()

    def watched(cls):
        plain = run_plainly(cls)

        def apply(*args, **kwargs):
            used.add(cls.__name__)
            return plain(*args, **kwargs)

        return apply

    for cls in functions:
        cls.apply = staticmethod(watched(cls))
    for place, name, cls, _ in bound:
        place[name] = cls.apply
    try:
        yield used
    finally:
        for cls, apply in kept:
            if apply is None:
                del cls.apply
            else:
                cls.apply = apply
        for place, name, _, value in bound:
            place[name] = value


def written_caches(program):
    """Dictionaries among the attributes of a program that it writes to while it runs."""
    graph = program.inlined_graph  # its nodes live as long as it does
    owners = [node.inputsAt(0).node() for node in graph.findAllNodes("aten::_set_item")]
    return sorted({node.s("name") for node in owners if node.kind() == "prim::GetAttr"})


def script(model, shape):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(model)
        # LeViT and its like keep their biases per device, but not while they are traced.
        caches = written_caches(scripted)
        if caches:
            raise ExportError(f"the scripted model writes to its {some(caches)} while it runs, "
                              "which igdef does not take")
        # GoogLeNet and its like return a tuple once scripted.
        with torch.no_grad():
            logits = scripted(torch.zeros([TRACE_BATCH] + shape))
    if not isinstance(logits, torch.Tensor):
        raise ExportError(f"the scripted model returns {type(logits).__name__}, not a tensor")
    return scripted


def say_what_is_fixed(caught):
    baked = [w for w in caught if issubclass(w.category, torch.jit.TracerWarning)]
    if baked:
        # Lines of PyTorch itself tell the user nothing as long as there are others.
        own = os.path.dirname(torch.__file__)
        where = min(baked, key=lambda w: w.filename.startswith(own + os.sep))
        note(f"the trace fixed {len(baked)} value{'s' if len(baked) > 1 else ''} that may depend "
             f"on the input, first at {where.filename}:{where.lineno}")


def trace(model, shape):
    """The traced model and the names of the autograd.Functions that were run plainly."""
    example = torch.rand([TRACE_BATCH] + shape, generator=torch.Generator().manual_seed(2))
    # With a gradient: without one PyTorch picks fused operations that cannot be differentiated.
    example.requires_grad_(True)
    with plain_functions(model) as used, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        traced = torch.jit.trace(model, example, check_trace=False)
    say_what_is_fixed(caught)
    return traced, sorted(used)


def trace_with_helpers(model, shape):
    """A trace in which the model's helper functions are scripted where they compute with sizes."""
    with scripted_helpers(model, shape) as names:
        if not names:
            raise ExportError("no helper function can be scripted")
        traced, used = trace(model, shape)
    note(f"scripted inside the trace: {', '.join(names)}")
    return traced, used
