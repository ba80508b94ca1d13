#!/usr/bin/env python3
"""Writes tests/golden/unusual: TorchScript models whose layers, outputs or asserts need care.

Needs torch; igdef itself and its tests need only what this script has written.
"""
import argparse
import os
from typing import Dict, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F

from make_test_models import NUM_CLASSES, SIZE, randomise, save_program


class Body(nn.Module):
    """A small network whose features and head can be used apart."""

    def __init__(self, width=6, num_classes=NUM_CLASSES):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, 2, 1)
        self.bn = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, num_classes)

    def features(self, x):
        return F.relu(self.bn(self.conv(x))).mean([2, 3])

    def forward(self, x):
        return self.fc(self.features(x))


class Ensemble(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = Body(6), Body(4)

    def forward(self, x):
        return (self.a(x) + self.b(x)) / 2


class Maps(nn.Module):
    """Two networks whose last maps have different sizes."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 3, 2, 1), nn.Conv2d(3, 4, 3, 1, 1)
        self.fa, self.fb = nn.Linear(6, NUM_CLASSES), nn.Linear(4, NUM_CLASSES)

    def forward(self, x):
        a = self.fa(F.relu(self.a(x)).mean([2, 3]))
        return a + self.fb(F.relu(self.b(x)).mean([2, 3]))


class Distilled(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()
        self.head, self.head_dist = nn.Linear(6, NUM_CLASSES), nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        f = self.body.features(x)
        return (self.head(f) + self.head_dist(f)) / 2


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.gate = Body(6), Body(4), Body(4, 2)

    def forward(self, x):
        g = self.gate(x).softmax(1)
        return g[:, :1] * self.a(x) + g[:, 1:] * self.b(x)


class Functional(nn.Module):
    """Two products that belong to no module."""

    def __init__(self):
        super().__init__()
        self.body = Body()
        self.v, self.w = (nn.Parameter(torch.zeros(NUM_CLASSES, 6)) for _ in range(2))

    def forward(self, x):
        f = self.body.features(x)
        return F.linear(f, self.v) + F.linear(f.tanh(), self.w)


class Residual(nn.Module):
    """The logits of one product, and another product of them beside it."""

    def __init__(self):
        super().__init__()
        self.body, self.more = Body(), nn.Linear(NUM_CLASSES, NUM_CLASSES)

    def forward(self, x):
        z = self.body(x)
        return z + self.more(z.relu())


class Patched(nn.Module):
    """Some of the logits are written over in place."""

    def __init__(self):
        super().__init__()
        self.a, self.b = Body(), Body()

    def forward(self, x):
        z = self.a(x).clone()
        z[:, :2] = self.b(x)[:, :2]
        return z


class Cast(nn.Module):
    """A weight that passes through a cast, and a batch norm of the logits."""

    def __init__(self):
        super().__init__()
        self.body, self.bn = Body(), nn.BatchNorm1d(NUM_CLASSES)
        self.w = nn.Parameter(torch.zeros(NUM_CLASSES, 6))

    def forward(self, x):
        f = self.body.features(x)
        return self.bn(F.linear(f, self.w.to(f.dtype))) / 0.5


class Left(nn.Module):
    """The weight on the left of the product."""

    def __init__(self):
        super().__init__()
        self.body, self.w = Body(), nn.Parameter(torch.zeros(NUM_CLASSES, 6))

    def forward(self, x):
        return (self.w @ self.body.features(x).t()).t()


class ConvHead(nn.Module):
    """A convolution as head, on one position or on several."""

    def __init__(self, kernel, pooled):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, 2, 1)
        self.head = nn.Conv2d(6, NUM_CLASSES, kernel, padding=kernel // 2)
        self.pooled = pooled

    def forward(self, x):
        h = F.relu(self.conv(x))
        if self.pooled:
            h = F.adaptive_avg_pool2d(h, 1)
        return self.head(h).mean([2, 3])


class Stem(nn.Module):
    """A product of the images, as wide as the result, long before it."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(SIZE, NUM_CLASSES), nn.Conv2d(3, NUM_CLASSES, (SIZE, 5))

    def forward(self, x):
        return self.head(self.stem(x)).flatten(1)


class Sized(nn.Module):
    """Asserts on the images, as torchvision's ViT has them."""

    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        assert x.dim() == 4 and x.size(1) == 3, "NCHW expected"
        assert x.size(2) == 8 and x.size(3) == 8, "this model takes 8 x 8 pixels"
        return self.body(x)


class Inner(nn.Module):
    """An assert on the size of features."""

    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        h = self.body.conv(x)
        assert h.size(2) == 4, "features of 4 rows expected"
        return self.body.fc(F.relu(self.body.bn(h)).mean([2, 3]))


class Valued(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        assert bool(x.max() <= 1), "pixels beyond 1"
        return self.body(x)


class Typed(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        assert x.dtype == torch.uint8
        return self.body(x.float() / 255)


class FeaturesFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        f = self.body.features(x)
        return f, self.body.fc(f)


class LossFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x) -> Tuple[torch.Tensor, Optional[torch.Tensor], torch.Tensor]:
        none: Optional[torch.Tensor] = None
        z = self.body(x)
        return z.logsumexp(1).mean(), none, z


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = Body(), Body()

    def forward(self, x):
        return self.a(x), self.b(x)


class WithProbabilities(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        z = self.body(x)
        return z.softmax(1), z


class OtherKey(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        f = self.body.features(x)
        return {"pred": self.body.fc(f), "features": f}


class Printing(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        print("a batch of", x.shape[0])
        return self.body(x)


class Statistics(nn.Module):
    """Writes statistics unless a buffer says that it is done, as MeanSparse does."""

    def __init__(self):
        super().__init__()
        self.body = Body()
        self.register_buffer("done", torch.tensor(True))
        self.register_buffer("seen", torch.zeros(6))

    def forward(self, x):
        f = self.body.features(x)
        if not bool(self.done):
            self.seen += f.mean(0)
        return self.body.fc(f - self.seen)


class Encoder(nn.Module):
    """Its fused path leaves values uninitialized in the script."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.head = nn.Linear(8, NUM_CLASSES)

    def forward(self, x):
        t = x.reshape(x.size(0), 24, 8)
        return self.head(self.layer(t).mean(1))


class Squeezed(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return self.body(x).unsqueeze(2).squeeze()


class OneLogit(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body(6, 1)

    def forward(self, x):
        return self.body(x)


class Baked(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return self.body.fc(self.body.features(x).view(int(x.size(0)), 6))


class Quantising(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return self.body(torch.round(x * 255) / 255)


class Cancelling(nn.Module):
    """Loses most digits of float32, so that rounding is large."""

    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return (self.body(x) + 3e4) - 3e4


class Centred(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return self.body(x - x.mean(0, keepdim=True))


def centre(_self, inputs: Tuple[torch.Tensor]) -> Tuple[torch.Tensor]:
    return ((inputs[0] - 0.5) / 0.2,)


def double(_self, _inputs: Tuple[torch.Tensor], result: torch.Tensor) -> torch.Tensor:
    return 2 * result


def hooked(before):
    """What Python runs around forward() stands in none of the file's methods."""
    model = Body()
    if before:
        model.register_forward_pre_hook(centre)
    else:
        model.register_forward_hook(double)
    return model


class Wrapped(nn.Module):
    """A module with hooks inside another, which calls them."""

    def __init__(self):
        super().__init__()
        self.body = hooked(True)

    def forward(self, x):
        return self.body(x)


class NamedPenultimate(nn.Module):
    """A module whose name is reserved for the input of the head."""

    def __init__(self, width, activation):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, 2, 1)
        self.penultimate = nn.Linear(6, width)
        self.fc = nn.Linear(width, NUM_CLASSES)
        self.activation = activation

    def forward(self, x):
        f = self.penultimate(F.relu(self.conv(x)).mean([2, 3]))
        return self.fc(F.relu(f) if self.activation else f)


class DoubleLogits(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return F.log_softmax(self.body(x).double(), 1)


class InDouble(nn.Module):
    """A network in float64 that casts its images itself."""

    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return self.body(x.double()).to(torch.float64)


class Banked(nn.Module):
    """Weights in float64 inside a tuple and a dictionary."""

    pair: Tuple[torch.Tensor, torch.Tensor]
    bank: Dict[str, torch.Tensor]

    def __init__(self):
        super().__init__()
        self.body = Body()
        generator = torch.Generator().manual_seed(1)
        weight = torch.randn(NUM_CLASSES, 6, generator=generator).double()
        self.pair = (weight, torch.zeros(NUM_CLASSES).double())
        self.bank = {"weight": torch.eye(6).double()}

    def forward(self, x):
        f = F.linear(self.body.features(x).to(torch.float64), self.bank["weight"])
        return F.linear(f, self.pair[0], self.pair[1])


class Dropping(nn.Module):
    """Dropout that eval() does not end."""

    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return self.body.fc(F.dropout(self.body.features(x), 0.3))


class Batched(nn.Module):
    """A batch norm without statistics of its own."""

    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(3, affine=False, track_running_stats=False)
        self.body = Body()

    def forward(self, x):
        return self.body(self.bn(x.flatten(2)).reshape(x.shape))


class FirstOfBatch(nn.Module):
    """Logits of the first image for all."""

    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return self.body(x[:1]).expand(x.size(0), -1)


class Faint(nn.Module):
    """Logits that are small and depend on the batch."""

    def __init__(self):
        super().__init__()
        self.body = Body()

    def forward(self, x):
        return 1e-5 * self.body(x - x.mean(0, keepdim=True))


class HiddenHead(nn.Module):
    """A hidden layer as wide as the classes, and behind it a head."""

    def __init__(self, head, width=6, num_classes=NUM_CLASSES):
        super().__init__()
        self.body, self.head = Body(width, num_classes), head

    def forward(self, x):
        return self.head(F.relu(self.body(x)))


class Head(nn.Module):
    """A head with a weight for each pair of a class and a number."""

    def __init__(self, num_classes=NUM_CLASSES):
        super().__init__()
        g = torch.Generator().manual_seed(num_classes)
        self.w = nn.Parameter(torch.randn(num_classes, num_classes, generator=g))


class Einsum(Head):
    def forward(self, f):
        return torch.einsum("nd,cd->nc", f, self.w)


class Summed(Head):
    def forward(self, f):
        return (f.unsqueeze(1) * self.w).sum(-1)


class SummedSoftmax(Head):
    def forward(self, f):
        return (f.unsqueeze(1) * self.w).sum(-1).softmax(1)


class Prototypes(Head):
    def forward(self, f):
        return -(f.unsqueeze(1) - self.w).pow(2).sum(-1)


class Distances(Head):
    def forward(self, f):
        return -torch.cdist(f, self.w)


class Cosines(Head):
    def forward(self, f):
        return F.cosine_similarity(f.unsqueeze(1), self.w, dim=2)


class Tensordot(Head):
    def forward(self, f):
        return torch.tensordot(f, self.w, dims=([1], [1]))


class BothFactors(nn.Module):
    def __init__(self):
        super().__init__()
        self.product = nn.Bilinear(NUM_CLASSES, NUM_CLASSES, NUM_CLASSES)

    def forward(self, f):
        return self.product(f, f)


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(NUM_CLASSES, NUM_CLASSES)

    def forward(self, f):
        return self.cell(f)


class Behind(nn.Module):
    """What may come behind the logits' product."""

    def __init__(self, num_classes, change):
        super().__init__()
        self.body, self.bn = Body(6, num_classes), nn.BatchNorm1d(num_classes)
        self.bn.weight = nn.Parameter(torch.linspace(-1, 1, num_classes))
        self.change = change

    def forward(self, x):
        z = self.body(x)
        if self.change == "softmax":
            return (z / 0.01).softmax(1)
        if self.change == "log_softmax":
            return z.log_softmax(1) * 0.5
        if self.change == "batch_norm":
            return self.bn(z)
        if self.change == "norm":
            return F.normalize(z)
        if self.change == "smoothed":
            return 0.9 * z.softmax(1) + 0.1 / z.size(1)
        if self.change == "negative":
            return -z
        if self.change == "highest":
            return z - z.max(1, keepdim=True)[0]
        if self.change == "clipped":
            return z.relu()
        return z.flip(1).tanh() * 30


class Computed(nn.Module):
    """Two outputs, the second computed from the first: from logits, or from features."""

    def __init__(self, activation):
        super().__init__()
        self.body, self.more = Body(), nn.Linear(NUM_CLASSES, 7)
        self.activation = activation

    def forward(self, x):
        z = self.body(x)
        if self.activation:
            z = F.relu(z)
        return z, self.more(z)


# name, model, how it is saved; each is loaded by tests/test_layers.c
def unusual():
    both = ("script", "trace")
    yield "ensemble", Ensemble(), ("script", "freeze")
    yield "maps", Maps(), ("script",)
    yield "distilled", Distilled(), ("trace",)
    yield "gated", Gated(), ("script",)
    yield "functional", Functional(), ("script",)
    yield "residual", Residual(), ("trace",)
    yield "patched", Patched(), ("script",)
    yield "cast", Cast(), ("script",)
    yield "left", Left(), ("script",)
    yield "pointwise", ConvHead(1, True), both
    yield "spread", ConvHead(1, False), ("script",)
    yield "wide", ConvHead(3, True), ("script",)
    yield "stem", Stem(), ("script",)
    yield "sized", Sized(), ("script",)
    yield "inner", Inner(), ("script",)
    yield "valued", Valued(), ("script",)
    yield "typed", Typed(), ("script",)
    yield "features_first", FeaturesFirst(), both
    yield "loss_first", LossFirst(), ("script",)
    yield "two_heads", TwoHeads(), ("script",)
    yield "probabilities", WithProbabilities(), ("script",)
    yield "other_key", OtherKey(), ("script",)
    yield "printing", Printing(), ("script",)
    yield "statistics", Statistics(), ("script",)
    yield "encoder", Encoder(), ("script",)
    yield "squeezed", Squeezed(), ("script",)
    yield "one_logit", OneLogit(), ("script",)
    yield "baked", Baked(), ("trace",)
    yield "quantising", Quantising(), ("script",)
    yield "cancelling", Cancelling(), ("script",)
    yield "centred", Centred(), ("script",)
    yield "pre_hooked", hooked(True), ("script",)
    yield "hooked", hooked(False), ("script",)
    yield "wrapped", Wrapped(), both
    yield "named", NamedPenultimate(4, True), both
    yield "named_as_wide", NamedPenultimate(NUM_CLASSES, False), ("script",)
    yield "double_logits", DoubleLogits(), both
    yield "in_double", InDouble(), both
    yield "banked", Banked(), ("script",)
    yield "dropping", Dropping(), ("script",)
    yield "batched", Batched(), ("script",)
    yield "first_of_batch", FirstOfBatch(), ("script",)
    yield "faint", Faint(), ("script",)
    for head in (Einsum, Summed, SummedSoftmax, Prototypes, Distances, Cosines, Tensordot,
                 BothFactors):
        yield f"hidden_{head.__name__.lower()}", HiddenHead(head()), ("trace",)
    yield "hidden_cell", HiddenHead(Cell()), ("script",)
    yield "hidden_two", HiddenHead(Summed(2), 6, 2), ("trace",)
    for change in ("softmax", "log_softmax", "batch_norm", "norm", "smoothed", "negative",
                   "highest", "clipped", "flipped"):
        yield f"behind_{change}", Behind(NUM_CLASSES, change), ("trace",)
    for change in ("softmax", "batch_norm", "highest"):
        yield f"behind_{change}_two", Behind(2, change), ("trace",)
    yield "reconstruction", Computed(False), ("script",)
    yield "hidden_first", Computed(True), ("script",)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.path.join(
        os.path.dirname(__file__), "..", "tests", "golden", "unusual"))
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    for number, (name, model, kinds) in enumerate(unusual()):
        randomise(model, 500 + number)
        if isinstance(model, InDouble):
            model.double()
        for kind in kinds:
            save_program(model, kind, os.path.join(args.folder, f"{name}.{kind}.pt"),
                         torch.rand(2, 3, SIZE, SIZE))


if __name__ == "__main__":
    main()
