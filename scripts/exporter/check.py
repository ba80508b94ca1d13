"""Judges an exported program by the model that it was made from.

Logits and input gradients must agree. Where float32 cannot tell, because very deep or untrained
models round by more than the tolerance, or because this PyTorch's own float32 is wrong, both are
run in float64, which decides.
"""

import contextlib
import copy

import torch

from .messages import ExportError, first_line, note, reason

# The fuser of PyTorch 2.6 crashes on some programs with depthwise convolutions.
torch._C._jit_set_texpr_fuser_enabled(False)

CHECK_BATCH = 3
TOLERANCE = 1e-4  # float32, of the largest value
DOUBLE_TOLERANCE = 1e-6  # float64; programs may hold constants in float32
BATCH_TOLERANCE = 0.02  # beyond the rounding of very deep models
STEP = 1e-5  # of finite differences
DIFFERENCE_TOLERANCE = 1e-3  # of the slope that finite differences find


def logits_and_gradient(model, x, weights):
    """Logits and the gradient of their weighted sum; the same random numbers on every call."""
    torch.manual_seed(1)
    x = x.detach().requires_grad_(True)
    logits = model(x)
    if weights is None:
        return logits, None
    gradient = torch.autograd.grad((logits * weights).sum(), x, allow_unused=True)[0]
    return logits.detach(), gradient


@contextlib.contextmanager
def default_double():
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(kept)


def relative(a, b):
    """The greatest difference, of the greatest value of b."""
    scale = float(b.abs().max())
    difference = float((a - b).abs().max())
    return difference / scale if scale > 0 else (0.0 if difference == 0 else float("inf"))


class Reference:
    """What the model itself gives for a few images."""

    def __init__(self, model, shape):
        self.model = model
        generator = torch.Generator().manual_seed(0)
        self.x = torch.rand([CHECK_BATCH] + shape, generator=generator)
        self.shapes = {}
        logits = self._run_recording(shape)
        if not isinstance(logits, torch.Tensor):
            raise ExportError(f"the model returns {type(logits).__name__}, not a tensor of logits")
        if logits.dim() != 2 or len(logits) != CHECK_BATCH:
            raise ExportError(f"the model returns {list(logits.shape)}, not logits "
                              f"[{CHECK_BATCH}, classes]")
        if not logits.requires_grad:
            raise ExportError("the model has no input gradient: its output is detached from x")
        self.num_classes = logits.shape[1]
        self.weights = torch.randn(logits.shape, generator=generator)
        self.no_backward = None  # why the model's own backward fails; None where it runs
        try:
            self.logits, self.gradient = logits_and_gradient(model, self.x, self.weights)
        except Exception as error:
            self.logits, self.gradient = logits.detach(), None
            self.no_backward = reason(error)
        else:
            if self.gradient is None:
                raise ExportError("the model has no input gradient: "
                                  "its output does not depend on x")
        values = [self.logits] + ([self.gradient] if self.gradient is not None else [])
        if not all(bool(torch.isfinite(value).all()) for value in values):
            raise ExportError("the model gives NaN or infinity on random pixels")

    def _run_recording(self, shape):
        def record(name, output):
            # What a hook returns replaces the output: a module that is called twice, such as a
            # ReLU, must not give its first output again.
            if isinstance(output, torch.Tensor):
                self.shapes.setdefault(name, list(output.shape))

        hooks = [module.register_forward_hook(lambda _m, _i, out, name=name: record(name, out))
                 for name, module in self.model.named_modules() if name]
        try:
            return logits_and_gradient(self.model, self.x, None)[0]
        except Exception as error:
            raise ExportError(f"the model does not run on [{CHECK_BATCH}, "
                              f"{', '.join(map(str, shape))}]: {reason(error)}")
        finally:
            for hook in hooks:
                hook.remove()

    def in_double(self):
        """Logits and gradient of the model in float64, the gradient None where it has no own."""
        with default_double():
            model = copy.deepcopy(self.model).double()
            x, weights = self.x.double(), self.weights.double()
            if self.no_backward is None:
                return logits_and_gradient(model, x, weights)
            with torch.no_grad():
                torch.manual_seed(1)
                return model(x), None


def finite_difference_error(program, reference):
    """How far the program's gradient is from the slope of the model itself, in float64."""
    with default_double():
        model = copy.deepcopy(reference.model).double()
        x, weights = reference.x.double(), reference.weights.double()
        gradient = logits_and_gradient(copy.deepcopy(program).double(), x, weights)[1]
        if gradient is None:
            return float("inf")
        worst = 0.0
        generator = torch.Generator().manual_seed(3)
        for _ in range(4):
            way = torch.randn(x.shape, generator=generator, dtype=torch.float64)
            with torch.no_grad():
                sums = []
                for side in (STEP, -STEP):
                    torch.manual_seed(1)
                    sums.append(float((model(x + side * way) * weights).sum()))
            slope = (sums[0] - sums[1]) / (2 * STEP)
            size = float(gradient.norm() * way.norm()) / way.numel() ** 0.5
            worst = max(worst, abs(slope - float((gradient * way).sum())) / max(size, 1e-300))
    return worst


class Verdict:
    """How far a program is from its model."""

    def __init__(self, program, logits, gradient, how):
        self.program = program
        self.logits, self.gradient = logits, gradient
        self.how = how


def refuse(what, difference, functions):
    text = f"the exported model's {what} by {difference:.3g} of the largest"
    if functions and "gradient" in what:
        text += (f"; {', '.join(functions)} has a backward of its own, "
                 "which a TorchScript file cannot hold")
    raise ExportError(text)


def decide_in_double(program, reference, functions):
    """The differences in float64, where float32 was beyond the tolerance."""
    try:
        expected, expected_gradient = reference.in_double()
        with default_double():
            got, got_gradient = logits_and_gradient(
                copy.deepcopy(program).double(), reference.x.double(), reference.weights.double())
    except Exception as error:
        raise ExportError("the exported model differs in float32, and float64 cannot decide: "
                          f"{first_line(error)}")
    logits = relative(got, expected)
    if not logits <= DOUBLE_TOLERANCE:
        refuse("logits differ", logits, functions)
    gradient = relative(got_gradient, expected_gradient)
    if not gradient <= DOUBLE_TOLERANCE:
        refuse("input gradient differs", gradient, functions)
    own = max(relative(reference.logits.double(), expected),
              relative(reference.gradient.double(), expected_gradient))
    return logits, gradient, own


def is_random(program, reference, logits):
    """Whether another seed gives other logits."""
    torch.manual_seed(2)
    with torch.no_grad():
        return relative(program(reference.x), logits) > TOLERANCE


def refuse_dropout(program):
    """Of a random program: dropout that stays on in evaluation mode, which eval() cannot end."""
    graph = program.inlined_graph  # owns the nodes
    for kind in ("dropout", "dropout_", "feature_dropout", "alpha_dropout"):
        for node in graph.findAllNodes("aten::" + kind, recurse=True):
            if node.inputsAt(2).toIValue() is True:
                raise ExportError("the model drops at random in evaluation mode too: "
                                  "pass training=self.training to F.dropout")


def refuse_batch_dependence(program, reference, logits):
    """Logits of an image that its neighbours change."""
    with torch.no_grad():
        try:
            alone = torch.cat([program(x[None]) for x in reference.x])
        except Exception:  # a size of the batch inside the program, which igdef explains
            return
    if relative(alone, logits) > BATCH_TOLERANCE:
        raise ExportError("the logits of an image depend on the images beside it, as by a batch "
                          "norm with track_running_stats=False")


def check(path, reference, functions=()):
    """Load the file and compare it with the model it was made from."""
    program = torch.jit.load(path, map_location="cpu")
    try:
        logits, gradient = logits_and_gradient(program, reference.x, reference.weights)
    except Exception as error:
        raise ExportError(f"the exported model does not run on {CHECK_BATCH} images: "
                          f"{first_line(error)}")
    if not isinstance(logits, torch.Tensor) or logits.shape != reference.logits.shape:
        raise ExportError("the exported model does not return logits of the same shape")
    if gradient is None:
        raise ExportError("the exported model has no input gradient")
    if float(gradient.abs().max()) == 0:
        note("the input gradient is zero: gradient attacks will not work on this model")

    if is_random(program, reference, logits):
        refuse_dropout(program)
    else:
        refuse_batch_dependence(program, reference, logits)
    off = float((logits - reference.logits).abs().max())
    # Untrained and very deep models can have logits in the thousands, where 1e-4 is below the
    # resolution of a float; gradients can be far below 1e-4, so theirs is always relative.
    close = off <= TOLERANCE * max(1.0, float(reference.logits.abs().max()))
    if reference.no_backward is not None:
        if not close:
            refuse("logits differ", relative(logits, reference.logits), functions)
        error = finite_difference_error(program, reference)
        if not error <= DIFFERENCE_TOLERANCE:
            raise ExportError("the exported model's input gradient is not the slope of the model: "
                              f"it differs by {error:.3g} of its length")
        note(f"the model's own backward fails in PyTorch {torch.__version__} "
             f"({reference.no_backward}); the gradient was compared with finite differences")
        return Verdict(program, off, error, "finite differences")
    gradient_off = float((gradient - reference.gradient).abs().max())
    if close and gradient_off <= TOLERANCE * float(reference.gradient.abs().max()):
        return Verdict(program, off, gradient_off, "float32")
    logits_double, gradient_double, own = decide_in_double(program, reference, functions)
    note(f"float32 rounds too much to judge this model (PyTorch {torch.__version__}'s own run of "
         f"it is {own:.2g} of the largest value away from float64); float64 agrees")
    return Verdict(program, logits_double, gradient_double, "float64")
