"""Helper functions of a model that compute with sizes, scripted so that a trace keeps the sum.

`int(windows.shape[0] / (h * w / size / size))` in a traced function is a number for ever: the batch
size of the example. Scripted, it is computed anew for every batch. Such functions seldom say which
of their arguments are integers, so that is seen from the values they are called with.
"""

import ast
import contextlib
import inspect
import linecache
import sys
import textwrap

import torch

NUMBERS = (int, float, bool)


def plain_helpers(model):
    """Functions of the modules that the model's classes are written in: {code: (module, name)}."""
    modules = {sys.modules.get(type(part).__module__) for part in model.modules()}
    found = {}
    for module in modules - {None}:
        if module.__name__.split(".")[0] == "torch":
            continue
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                found[value.__code__] = (module, name)
    return found


def observe(model, shape, helpers):
    """The values that the helpers are called with in one pass: {code: {argument: {type}}}."""
    seen = {}

    def profile(frame, event, _argument):
        if event == "call" and frame.f_code in helpers:
            code = frame.f_code
            kinds = seen.setdefault(code, {})
            for name in code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]:
                value = frame.f_locals.get(name)
                kind = torch.Tensor if isinstance(value, torch.Tensor) else type(value)
                kinds.setdefault(name, set()).add(kind)

    sys.setprofile(profile)
    try:
        with torch.no_grad():
            model(torch.zeros([1] + shape))
    finally:
        sys.setprofile(None)
    return seen


def annotated(function, kinds):
    """The function anew, from its source with these annotations: TorchScript reads the source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    definition.decorator_list = []
    definition.returns = None
    for argument in definition.args.args + definition.args.kwonlyargs:
        kind = next(iter(kinds[argument.arg]))
        name = "torch.Tensor" if kind is torch.Tensor else kind.__name__
        argument.annotation = ast.parse(name, mode="eval").body
    source = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    file = f"<{function.__module__}.{function.__name__}, annotated>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    names = {**function.__globals__, "torch": torch}
    exec(compile(source, file, "exec"), names)
    return names[function.__name__]


def script_helper(function, kinds):
    """The scripted function, its numbers annotated as they were seen; None where that fails."""
    if any(len(found) != 1 or not found <= {torch.Tensor, *NUMBERS} for found in kinds.values()):
        return None
    if torch.Tensor not in set().union(*kinds.values()):
        return None
    try:
        return torch.jit.script(annotated(function, kinds))
    except Exception:
        return None


@contextlib.contextmanager
def scripted_helpers(model, shape):
    """While this lasts, the model's helpers that can be are scripted; gives their names."""
    helpers = plain_helpers(model)
    replaced = []
    try:
        for code, kinds in observe(model, shape, helpers).items():
            module, name = helpers[code]
            function = vars(module)[name]
            scripted = script_helper(function, kinds)
            if scripted is None:
                continue
            # The function may be known by its name in other modules too.
            for other in {sys.modules.get(type(part).__module__) for part in model.modules()}:
                if other is not None and vars(other).get(name) is function:
                    replaced.append((other, name, function))
                    setattr(other, name, scripted)
        yield sorted({name for _, name, _ in replaced})
    finally:
        for module, name, function in replaced:
            setattr(module, name, function)
