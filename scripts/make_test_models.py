#!/usr/bin/env python3
"""Writes tests/golden/cut: small TorchScript models with references from eager PyTorch.

Every model has random weights, random batch-norm statistics and a random head: a head of
zeros would let every gradient test pass. For each cut layer the folder holds, as .npy,
the activation, the logits under a mask of the layer's neurons, and the gradient of their
weighted sum at the images, all computed in eager mode with forward hooks. cases.txt lists
them, one a line: file, layer, hook, neuron axis, affine, number of neurons.

Needs torch; igdef itself and its tests need only what this script has written.
"""
import argparse
import os
import zipfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

NUM_CLASSES = 5
SIZE = 8
NUM_IMAGES = 3


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(
                nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    """ResNet-18 as written for CIFAR, at width 4."""

    def __init__(self, width=4):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        widths = [width, width, width + 2, width + 4, width + 6]
        for i in range(4):
            stride = 1 if i == 0 else 2
            setattr(self, f"layer{i + 1}", nn.Sequential(
                BasicBlock(widths[i], widths[i + 1], stride),
                BasicBlock(widths[i + 1], widths[i + 1], 1)))
        self.linear = nn.Linear(widths[4], NUM_CLASSES)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer4(self.layer3(self.layer2(self.layer1(out))))
        out = F.adaptive_avg_pool2d(out, 1)
        out = out.view(out.size(0), -1)
        return self.linear(out)


class WideBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(cin)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.droprate = 0.0
        self.equalInOut = cin == cout
        self.convShortcut = (nn.Identity() if self.equalInOut else
                             nn.Conv2d(cin, cout, 1, stride, 0, bias=False))

    def forward(self, x):
        if not self.equalInOut:
            x = self.relu1(self.bn1(x))
            out = x
        else:
            out = self.relu1(self.bn1(x))
        out = self.relu2(self.bn2(self.conv1(out)))
        if self.droprate > 0:
            out = F.dropout(out, p=self.droprate, training=self.training)
        out = self.conv2(out)
        return torch.add(x if self.equalInOut else self.convShortcut(x), out)


class WideResNet(nn.Module):
    """Pre-activation WideResNet-10 in the words of the TRADES code."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.block1 = nn.Sequential(WideBlock(4, 6, 1), WideBlock(6, 6, 1))
        self.block2 = nn.Sequential(WideBlock(6, 8, 2))
        self.block3 = nn.Sequential(WideBlock(8, 10, 2))
        self.bn1 = nn.BatchNorm2d(10)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(10, NUM_CLASSES)
        self.nChannels = 10

    def forward(self, x):
        out = self.conv1(x)
        out = self.block3(self.block2(self.block1(out)))
        out = self.relu(self.bn1(out))
        out = F.avg_pool2d(out, 2)
        out = out.view(-1, self.nChannels)
        return self.fc(out)


class Vgg(nn.Module):
    def __init__(self):
        super().__init__()
        layers, cin = [], 3
        for v in (4, "M", 6, 6, "M", 8):
            if v == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(cin, v, 3, padding=1), nn.BatchNorm2d(v),
                           nn.ReLU(inplace=True)]
                cin = v
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.classifier = nn.Sequential(
            nn.Linear(8, 12), nn.ReLU(True), nn.Dropout(), nn.Linear(12, NUM_CLASSES))

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads)
        qkv = qkv.permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q @ k.transpose(-2, -1)) * self.scale
        x = (attn.softmax(dim=-1) @ v).transpose(1, 2).reshape(B, N, C)
        return self.proj(x)


class TokenBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = Attention(dim, 2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, 4, 4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 5, dim))
        self.blocks = nn.Sequential(TokenBlock(dim), TokenBlock(dim))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, NUM_CLASSES)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1)
        x = self.norm(self.blocks(x + self.pos_embed))
        return self.head(x[:, 0])


class Branching(nn.Module):
    """Data-dependent branch after the first layer, none of the layers inside it."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.inner = nn.Conv2d(6, 6, 1)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        h = torch.relu(self.conv1(x))
        if bool(x.sum() > 0):
            h = h * 1.5
        h = self.conv2(h)
        if bool(x.mean() > -1):
            h = self.inner(h)
        return self.fc(torch.relu(h).mean([2, 3]))


class Skip(nn.Module):
    """A skip connection and a size cross every cut of the body."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.body = nn.Conv2d(6, 6, 3, padding=1)
        self.tail = nn.Conv2d(6, 6, 3, padding=1)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        n = x.shape[0]
        s = torch.tanh(self.stem(x))
        h = torch.tanh(self.body(s))
        h = self.tail(h) + s + x.mean(1, keepdim=True)
        return self.fc(h.mean([2, 3]).view(n, -1))


class InPlace(nn.Module):
    """Writes to the layer's output, and to a carried value, right after the cut."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.side = nn.Conv2d(3, 6, 1)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        side = self.side(x)
        h = self.conv(x)
        h.relu_()
        side += h
        side[:, 0] = 0.5
        return self.fc((side * h).mean([2, 3]))


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.shared = nn.Conv2d(6, 6, 3, padding=1)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        h = torch.tanh(self.conv(x))
        h = torch.tanh(self.shared(h))
        h = torch.tanh(self.shared(h))
        return self.fc(h.mean([2, 3]))


class Normalised(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.49, 0.48, 0.45]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.25, 0.24, 0.26]).view(1, 3, 1, 1))
        self.model = model

    def forward(self, x):
        return self.model((x - self.mean) / self.std)


class Tokens(nn.Module):
    """Batch on axis 1, and a tuple result in which the logits come first."""

    def __init__(self, dim=6):
        super().__init__()
        self.embed = nn.Linear(48, dim)
        self.mix = nn.Linear(dim, dim)
        self.head = nn.Linear(dim, NUM_CLASSES)

    def forward(self, x):
        t = x.reshape(x.shape[0], 4, 48).permute(1, 0, 2)
        t = torch.tanh(self.mix(torch.tanh(self.embed(t))))
        z = self.head(t.mean(0))
        return z, t


class Loops(nn.Module):
    """Loops: over modules, a fixed number of times, while the data say so; and a fork."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(6, 6, 1) for _ in range(2))
        self.again = nn.Conv2d(6, 6, 1)
        self.aux = nn.Conv2d(6, 6, 1)
        self.forked = nn.Conv2d(6, 6, 1)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        h = torch.tanh(self.stem(x))
        for layer in self.layers:
            h = torch.tanh(layer(h))
        for _ in range(3):
            h = torch.tanh(self.again(h))
        later = torch.jit.fork(self.forked, h)
        z = torch.jit.wait(later).mean([2, 3])
        i = 0
        while bool(z.abs().max() > 0.5) and i < 10:
            z = z * 0.5
            i += 1
        return self.fc(z)


@torch.jit.interface
class Part(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pass


class Doubling(nn.Module):
    def forward(self, x):
        return x * 2


class Halving(nn.Module):
    def forward(self, x):
        return x * 0.5


class Chosen(nn.Module):
    """Which module runs depends on the data."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([Halving(), Doubling()])
        self.fc = nn.Linear(3, NUM_CLASSES)

    def forward(self, x):
        i = int(x.sum() > 0)
        part: Part = self.parts[i]
        return self.fc(part.forward(x).mean([2, 3]))


class Interfaced(nn.Module):
    """A slot that only promises a forward method."""
    part: Part

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 1)
        self.part = Doubling()
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        return self.fc(torch.tanh(self.part.forward(self.conv(x))).mean([2, 3]))


class NoGrad(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        with torch.no_grad():
            h = torch.relu(self.conv(x))
        return self.fc(h.mean([2, 3]))


class Recurrent(nn.Module):
    """An LSTM over rows of pixels, and weight norm."""

    def __init__(self):
        super().__init__()
        self.proj = nn.utils.weight_norm(nn.Linear(24, 6))
        self.lstm = nn.LSTM(6, 6, batch_first=True)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        rows = self.proj(x.permute(0, 2, 1, 3).flatten(2))
        h, _ = self.lstm(rows)
        return self.fc(h[:, -1])


class Dense(nn.Module):
    """A list of features that grows and crosses the cut, as in DenseNet."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3, padding=1)
        self.b = nn.Conv2d(7, 4, 3, padding=1)
        self.c = nn.Conv2d(11, 4, 3, padding=1)
        self.fc = nn.Linear(15, NUM_CLASSES)

    def forward(self, x):
        features = [x]
        features.append(torch.tanh(self.a(torch.cat(features, 1))))
        features.append(torch.tanh(self.b(torch.cat(features, 1))))
        features.append(torch.tanh(self.c(torch.cat(features, 1))))
        return self.fc(torch.cat(features, 1).mean([2, 3]))


def randomise(model, seed):
    g = torch.Generator().manual_seed(seed)
    for m in model.modules():
        if isinstance(m, (nn.BatchNorm2d, nn.LayerNorm)):
            m.weight.data = 0.5 + torch.rand(m.weight.shape, generator=g)
            m.bias.data = 0.3 * torch.randn(m.bias.shape, generator=g)
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean = 0.3 * torch.randn(m.running_mean.shape, generator=g)
            m.running_var = 0.5 + torch.rand(m.running_var.shape, generator=g)
        if isinstance(m, (nn.Conv2d, nn.Linear)) and not hasattr(m, "weight_g"):
            fan_in = m.weight[0].numel()
            m.weight.data = torch.randn(m.weight.shape, generator=g) * (2 / fan_in) ** 0.5
            if m.bias is not None:
                m.bias.data = 0.3 * torch.randn(m.bias.shape, generator=g)
    for name, p in model.named_parameters(recurse=False):
        p.data = 0.5 * torch.randn(p.shape, generator=g)
    for p in model.parameters():
        p.requires_grad_(False)
    return model.eval()


def save_program(model, kind, path, example):
    """Saves a model scripted, traced, or scripted and frozen."""
    if kind == "trace":
        saved = torch.jit.trace(model, example, check_trace=False)
    else:
        saved = torch.jit.script(model)
        if kind == "freeze":
            saved = torch.jit.freeze(saved, optimize_numerics=False)
    saved.save(path)


def logits_of(result):
    return result[0] if isinstance(result, tuple) else result


def eager(model, x, module, hook, mask, axis, batch_axis, call):
    """Activation of one call of a module, logits and input gradient under the mask."""
    seen = {"calls": 0}
    shape = None if mask is None else [1] * mask[1]

    def change(t):
        seen["calls"] += 1
        if seen["calls"] != call:
            return t
        seen["act"] = t.detach().clone()
        if mask is None:
            return t
        shape[batch_axis], shape[axis] = mask[0].shape
        m = mask[0] if batch_axis < axis else mask[0].t()
        return t * m.reshape(shape)

    if hook == "input":
        handle = module.register_forward_pre_hook(lambda m, i: (change(i[0]),) + i[1:])
    else:
        handle = module.register_forward_hook(lambda m, i, o: change(o))
    x = x.clone().requires_grad_(True)
    z = logits_of(model(x))
    weight = torch.arange(z.numel(), dtype=torch.float32).reshape(z.shape).cos()
    (grad,) = torch.autograd.grad((z * weight).sum(), x)
    handle.remove()
    return seen["act"], z.detach(), grad


# name, model, how it is saved, [(layer in igdef's words, module, hook, neuron axis,
# batch axis, call, affine)]
def models():
    resnet = [("layer1.0.conv1", "layer1.0.conv1", "output", 1, 0, 1, 0),
              ("layer2.0.bn1", "layer2.0.bn1", "output", 1, 0, 1, 0),
              ("layer2", "layer2", "output", 1, 0, 1, 0),
              ("layer3:input", "layer3", "input", 1, 0, 1, 0),
              ("layer4", "layer4", "output", 1, 0, 1, 1),
              ("penultimate", "linear", "input", 1, 0, 1, 1)]
    wide = [("block1", "block1", "output", 1, 0, 1, 0),
            ("block3", "block3", "output", 1, 0, 1, 0),
            ("relu", "relu", "output", 1, 0, 1, 1),
            ("penultimate", "fc", "input", 1, 0, 1, 1)]
    vgg = [("features.3", "features.3", "output", 1, 0, 1, 0),
           ("features", "features", "output", 1, 0, 1, 0),
           ("classifier.0", "classifier.0", "output", 1, 0, 1, 0),
           ("penultimate", "classifier.3", "input", 1, 0, 1, 1)]
    vit = [("patch_embed", "patch_embed", "output", 1, 0, 1, 0),
           ("blocks.0.attn", "blocks.0.attn", "output", 2, 0, 1, 0),
           ("blocks.0.mlp.1", "blocks.0.mlp.1", "output", 2, 0, 1, 0),
           ("blocks.1", "blocks.1", "output", 2, 0, 1, 0),
           ("norm", "norm", "output", 2, 0, 1, 1),
           ("penultimate", "head", "input", 1, 0, 1, 1)]
    skip = [("stem", "stem", "output", 1, 0, 1, 0), ("body", "body", "output", 1, 0, 1, 0),
            ("tail", "tail", "output", 1, 0, 1, 1)]
    shared = [("shared#1", "shared", "output", 1, 0, 1, 0),
              ("shared#2", "shared", "output", 1, 0, 2, 0),
              ("shared:input#2", "shared", "input", 1, 0, 2, 0)]
    wrapped = [("model." + n, "model." + m, *rest) for n, m, *rest in resnet[2:5]]
    inplace = [("conv", "conv", "output", 1, 0, 1, 0)]
    tokens = [("embed", "embed", "output", 2, 1, 1, 0), ("mix", "mix", "output", 2, 1, 1, 0),
              ("penultimate", "head", "input", 1, 0, 1, 1)]
    both = ("script", "trace")
    yield "resnet", ResNet(), both, resnet
    yield "wideresnet", WideResNet(), both, wide
    yield "vgg", Vgg(), both, vgg
    yield "vit", VisionTransformer(), both, vit
    yield "branching", Branching(), ("script",), [
        ("conv1", "conv1", "output", 1, 0, 1, 0), ("conv2", "conv2", "output", 1, 0, 1, 0)]
    yield "skip", Skip(), both, skip
    yield "inplace", InPlace(), ("script",), inplace
    yield "shared", Shared(), both, shared
    yield "normalised", Normalised(ResNet()), both, wrapped
    yield "tokens", Tokens(), both, tokens
    yield "frozen", ResNet(), ("freeze",), []
    yield "loops", Loops(), ("script",), [
        ("stem", "stem", "output", 1, 0, 1, 0),
        ("layers.0", "layers.0", "output", 1, 0, 1, 0),
        ("again#2", "again", "output", 1, 0, 2, 0)]
    yield "interfaced", Interfaced(), ("script",), [("conv", "conv", "output", 1, 0, 1, 0)]
    yield "recurrent", Recurrent(), ("trace",), [
        ("proj", "proj", "output", 2, 0, 1, 0), ("penultimate", "fc", "input", 1, 0, 1, 1)]
    yield "dense", Dense(), both, [
        ("a", "a", "output", 1, 0, 1, 0), ("b", "b", "output", 1, 0, 1, 0),
        ("c", "c", "output", 1, 0, 1, 0)]
    yield "chosen", Chosen(), ("script",), None
    yield "nograd", NoGrad(), ("script",), None


def rewrite(source, target, old, new):
    """Copies an archive with a change in its code."""
    with zipfile.ZipFile(source) as a, zipfile.ZipFile(target, "w") as b:
        for entry in a.infolist():
            data = a.read(entry)
            if entry.filename.endswith(".py"):
                data = data.replace(old, new)
            b.writestr(entry.filename, data)


def write_refused(folder):
    """Files that are no models of images for this libtorch."""
    model = randomise(InPlace(), 1)
    torch.save(model.state_dict(), os.path.join(folder, "weights.pth"))
    torch.save(model.state_dict(), os.path.join(folder, "weights.legacy.pth"),
               _use_new_zipfile_serialization=False)
    rewrite(os.path.join(folder, "shared.script.pt"), os.path.join(folder, "newer.pt"),
            b"torch.tanh", b"torch.tanh_of_a_later_version")
    rewrite(os.path.join(folder, "shared.script.pt"), os.path.join(folder, "foreign.pt"),
            b"torch.tanh", b"ops.other.tanh")
    optimized = torch.jit.optimize_for_inference(torch.jit.script(model))
    optimized.save(os.path.join(folder, "optimized.pt"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.path.join(
        os.path.dirname(__file__), "..", "tests", "golden", "cut"))
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(0)  # of what randomise() leaves as it is
    x = torch.rand(NUM_IMAGES, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(7))

    def save(name, t):
        np.save(os.path.join(args.folder, name + ".npy"), t.numpy().astype(np.float32))

    save("images", x)
    cases = []
    for number, (name, model, kinds, layers) in enumerate(models()):
        randomise(model, 100 + number)
        if layers is not None:
            with torch.no_grad():
                save(f"{name}.logits", logits_of(model(x)))
        for kind in kinds:
            save_program(model, kind, os.path.join(args.folder, f"{name}.{kind}.pt"), x[:2])
        for layer, path, hook, axis, batch_axis, call, affine in layers or []:
            module = model.get_submodule(path)
            act, _, _ = eager(model, x, module, hook, None, axis, batch_axis, call)
            g = torch.Generator().manual_seed(number)
            mask = torch.rand(NUM_IMAGES, act.shape[axis], generator=g)
            mask[:, ::3] = 0
            _, z, grad = eager(model, x, module, hook, (mask, act.dim()), axis, batch_axis,
                               call)
            base = f"{name}.{layer.replace(':', '-').replace('#', '-')}"
            save(base + ".act", act)
            save(base + ".mask", mask)
            save(base + ".masked", z)
            save(base + ".grad", grad)
            for kind in kinds:
                cases.append(f"{name}.{kind}.pt {layer} {base} {name} {axis} {batch_axis} "
                             f"{affine} {act.shape[axis]}")
    write_refused(args.folder)
    with open(os.path.join(args.folder, "cases.txt"), "w") as f:
        f.write("\n".join(sorted(cases)) + "\n")


if __name__ == "__main__":
    main()
