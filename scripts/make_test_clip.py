#!/usr/bin/env python3
"""Make the tests' CLIP archives: small, with random weights, built as OpenAI built theirs.

    /usr/bin/python3 scripts/make_test_clip.py

The released archives are traces of a model whose matrices are in half precision and which
ran on a GPU: their graphs hold the device "cuda:0", conversions to half precision, and a
causal mask as a half-precision constant; layer norms stay in single precision. Both image
encoders are made, a vision transformer and the modified ResNet. A trace on a GPU is not
needed: the model is traced in double precision on the CPU, which then is renamed, in the
weights and in the archive's code, to half precision and "cuda:0".

It writes, in tests/data:

  clip_vit.pt, clip_resnet.pt        the archives
  clip_vit.npy, clip_resnet.npy      embeddings of the test images, by the eager model in
                                     float32 with the weights of the archive
  clip_vit_text.npy, ...             embeddings of TEXTS
  clip_bpe.txt                       the vocabulary, in CLIP's format
  clip_images.npy                    the images, uint8 [4, 40, 48, 3]
  clip_pixels.npy                    what Pillow's and CLIP's preparation make of them,
                                     float32 [4, 3, 32, 32], not yet normalised

The same PyTorch gives the same files. Needs PyTorch, NumPy, Pillow and torchvision.
"""
import argparse
import os
import re
import zipfile

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

FOLDER = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "tests", "data"))
RESOLUTION = 32
CONTEXT = 12
VOCABULARY = 522  # 256 bytes, 256 at a word's end, 8 merges, start, end
EMBEDDING = 16
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
MERGES = ["a t</w>", "c at</w>", "d o", "do g</w>", "a n", "b i", "bi r", "bir d</w>"]
TEXTS = {  # by hand: a letter is its code less 33, at a word's end 256 more
    "cat": [513],
    "Dog, bird": [515, 256 + 11, 519],
    "a man": [256 + 64, 76, 64, 256 + 77],
}
STAND_IN = torch.float64  # for half precision, in which the CPU cannot compute


class Norm(nn.LayerNorm):
    """A layer norm in single precision, whatever goes in."""

    def forward(self, x):
        return super().forward(x.type(torch.float32)).type(x.dtype)


class Gelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width, heads, mask=None):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1 = Norm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", Gelu())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))
        self.ln_2 = Norm(width)
        self.mask = mask

    def forward(self, x):
        y = self.ln_1(x)
        mask = None if self.mask is None else self.mask.to(dtype=x.dtype, device=x.device)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    """Blocks on [length, batch, width]."""

    def __init__(self, width, blocks, heads, mask=None):
        super().__init__()
        self.resblocks = nn.Sequential(*[Block(width, heads, mask) for _ in range(blocks)])

    def forward(self, x):
        return self.resblocks(x)


class VisionTransformer(nn.Module):
    def __init__(self, patch=8, width=16, blocks=2, heads=2):
        super().__init__()
        tokens = (RESOLUTION // patch) ** 2 + 1
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(width ** -0.5 * torch.randn(width))
        self.positional_embedding = nn.Parameter(width ** -0.5 * torch.randn(tokens, width))
        self.ln_pre = Norm(width)
        self.transformer = Transformer(width, blocks, heads)
        self.ln_post = Norm(width)
        self.proj = nn.Parameter(width ** -0.5 * torch.randn(width, EMBEDDING))

    def forward(self, x):
        x = self.conv1(x)
        x = x.reshape(x.shape[0], x.shape[1], -1).permute(0, 2, 1)
        zeros = torch.zeros(x.shape[0], 1, x.shape[-1], dtype=x.dtype, device=x.device)
        first = self.class_embedding.to(x.dtype) + zeros
        x = torch.cat([first, x], dim=1) + self.positional_embedding.to(x.dtype)
        x = self.transformer(self.ln_pre(x).permute(1, 0, 2)).permute(1, 0, 2)
        return self.ln_post(x[:, 0, :]) @ self.proj


class Bottleneck(nn.Module):
    """A residual block that shrinks by average pooling, not by strides."""

    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.avgpool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential()
        self.downsample.add_module("-1", nn.AvgPool2d(stride))
        self.downsample.add_module("0", nn.Conv2d(inputs, 4 * planes, 1, bias=False))
        self.downsample.add_module("1", nn.BatchNorm2d(4 * planes))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.avgpool(self.relu(self.bn2(self.conv2(y))))
        return self.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class AttentionPool(nn.Module):
    """The mean position asks all positions."""

    def __init__(self, side, width, heads):
        super().__init__()
        shape = (side * side + 1, width)
        self.positional_embedding = nn.Parameter(torch.randn(shape) / width ** 0.5)
        self.k_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, EMBEDDING)
        self.heads = heads

    def forward(self, x):
        x = x.reshape(x.shape[0], x.shape[1], x.shape[2] * x.shape[3]).permute(2, 0, 1)
        x = torch.cat([x.mean(dim=0, keepdim=True), x], dim=0)
        x = x + self.positional_embedding[:, None, :].to(x.dtype)
        out, _ = F.multi_head_attention_forward(
            query=x, key=x, value=x, embed_dim_to_check=x.shape[-1], num_heads=self.heads,
            in_proj_weight=None,
            in_proj_bias=torch.cat([self.q_proj.bias, self.k_proj.bias, self.v_proj.bias]),
            bias_k=None, bias_v=None, add_zero_attn=False, dropout_p=0,
            out_proj_weight=self.c_proj.weight, out_proj_bias=self.c_proj.bias,
            use_separate_proj_weight=True, training=self.training, need_weights=False,
            q_proj_weight=self.q_proj.weight, k_proj_weight=self.k_proj.weight,
            v_proj_weight=self.v_proj.weight)
        return out[0]


class ModifiedResNet(nn.Module):
    """Three convolutions in front, anti-aliased strides, attention at the end."""

    def __init__(self, width=4, heads=2):
        super().__init__()
        half = width // 2
        self.conv1 = nn.Conv2d(3, half, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.avgpool = nn.AvgPool2d(2)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(Bottleneck(width, width, 1))
        self.layer2 = nn.Sequential(Bottleneck(4 * width, 2 * width, 2))
        self.layer3 = nn.Sequential(Bottleneck(8 * width, 4 * width, 2))
        self.attnpool = AttentionPool(RESOLUTION // 16, 16 * width, heads)

    def forward(self, x):
        x = x.type(self.conv1.weight.dtype)
        for conv, bn in ((self.conv1, self.bn1), (self.conv2, self.bn2),
                         (self.conv3, self.bn3)):
            x = self.relu(bn(conv(x)))
        return self.attnpool(self.layer3(self.layer2(self.layer1(self.avgpool(x)))))


class Clip(nn.Module):
    def __init__(self, visual, width=16, blocks=1, heads=2):
        super().__init__()
        mask = torch.full([CONTEXT, CONTEXT], float("-inf")).triu(1)
        self.visual = visual
        self.transformer = Transformer(width, blocks, heads, mask)
        self.token_embedding = nn.Embedding(VOCABULARY, width)
        self.positional_embedding = nn.Parameter(0.1 * torch.randn(CONTEXT, width))
        self.ln_final = Norm(width)
        self.text_projection = nn.Parameter(width ** -0.5 * torch.randn(width, EMBEDDING))
        self.logit_scale = nn.Parameter(torch.tensor(2.66))
        self.register_buffer("input_resolution", torch.tensor(RESOLUTION))
        self.register_buffer("context_length", torch.tensor(CONTEXT))
        self.register_buffer("vocab_size", torch.tensor(VOCABULARY))

    @property
    def dtype(self):
        return self.visual.conv1.weight.dtype

    def encode_image(self, image):
        return self.visual(image.to(image.device, self.dtype))

    def encode_text(self, text):
        x = self.token_embedding(text).type(self.dtype)
        x = x + self.positional_embedding.type(self.dtype)
        x = self.transformer(x.permute(1, 0, 2)).permute(1, 0, 2)
        x = self.ln_final(x).type(self.dtype)
        return x[torch.arange(x.shape[0]), text.argmax(dim=-1)] @ self.text_projection

    def forward(self, image, text):
        image = F.normalize(self.encode_image(image), dim=-1)
        text = F.normalize(self.encode_text(text), dim=-1)
        logits = self.logit_scale.exp() * image @ text.t()
        return logits, logits.t()


def randomise(model):
    """Statistics and biases that a trained model has, so that no operation is idle."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
        if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.normal_(module.bias, 0, 0.2)
        if isinstance(module, nn.MultiheadAttention):
            nn.init.normal_(module.in_proj_bias, 0, 0.2)
            nn.init.normal_(module.out_proj.bias, 0, 0.2)


def is_halved(model):
    """Names of what is in half precision: all matrices, not the norms and embeddings."""
    names = set()
    for path, module in model.named_modules():
        kept = (nn.LayerNorm, nn.BatchNorm2d, nn.Embedding)
        if isinstance(module, kept):
            continue
        for name, _ in module.named_parameters(path, recurse=False):
            if not name.endswith(("positional_embedding", "class_embedding", "logit_scale")):
                names.add(name)
    return names


def convert(model, names, dtype):
    """A GPU takes half-precision images through single-precision batch norms; a CPU does
    not do the like, so these go along with the stand-in."""
    for module in model.modules():
        if any(name.endswith("running_mean") for name, _ in module.named_buffers(recurse=False)):
            module.to(STAND_IN if dtype == STAND_IN else torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in names:
                parameter.data = parameter.data.to(dtype)
    return model


def rename(path):
    """Turn the stand-ins in an archive into half precision and a GPU."""
    with zipfile.ZipFile(path) as archive:
        entries = [(name, archive.read(name)) for name in sorted(archive.namelist())]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            if name.endswith(".py"):
                text = data.decode()
                text = re.sub(r"(torch\.to\(.*, )7\)", r"\g<1>5)", text)
                text = text.replace("dtype=7", "dtype=5")
                text = text.replace('torch.device("cpu")', 'torch.device("cuda:0")')
                data = text.encode()
            elif name.endswith(".pkl"):
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            elif name.endswith(".debug_pkl"):
                continue  # says where the trace was made, half of the file
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def half_constants(graph):
    for node in graph.findAllNodes("prim::Constant", recurse=True):
        if node.hasAttribute("value") and node.kindOf("value") == "t":
            # Scalars, such as the root of the head width, are Python numbers in a real trace.
            if node.t("value").is_floating_point() and node.t("value").dim() > 0:
                node.t_("value", node.t("value").half())


def save(model, names, path):
    """Trace, halve, save and rename."""
    image = torch.rand(2, 3, RESOLUTION, RESOLUTION)
    text = torch.randint(1, VOCABULARY, (2, CONTEXT))
    traced = torch.jit.trace_module(
        convert(model, names, STAND_IN),
        {"forward": (image, text), "encode_image": image, "encode_text": text},
        check_trace=False)
    convert(traced, names, torch.float16)
    for module in traced.modules():
        for method in ("forward", "forward1", "encode_image", "encode_text"):
            if hasattr(module, method) and hasattr(getattr(module, method), "graph"):
                half_constants(getattr(module, method).graph)
    torch.jit.save(traced, path)
    rename(path)


def prepare(image):
    """CLIP's preparation, before the normalisation."""
    width, height = image.size
    short = min(width, height)
    size = [RESOLUTION if side == short else int(RESOLUTION * side / short)
            for side in (width, height)]
    image = image.resize(size, Image.BICUBIC)
    left, top = (int(round((side - RESOLUTION) / 2.0)) for side in size)
    image = image.crop((left, top, left + RESOLUTION, top + RESOLUTION))
    return np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default=FOLDER, help="folder; default: tests/data")
    folder = parser.parse_args().output

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 10, 12, 3), dtype=np.uint8)
    images = np.stack([np.asarray(Image.fromarray(c).resize((48, 40), Image.BILINEAR))
                       for c in coarse])
    pixels = np.stack([prepare(Image.fromarray(i)) for i in images])
    tokens = np.zeros((len(TEXTS), CONTEXT), dtype=np.int64)
    for row, body in enumerate(TEXTS.values()):
        tokens[row, :len(body) + 2] = [VOCABULARY - 2, *body, VOCABULARY - 1]
    os.makedirs(folder, exist_ok=True)
    np.save(f"{folder}/clip_images.npy", images)
    np.save(f"{folder}/clip_pixels.npy", pixels)
    with open(f"{folder}/clip_bpe.txt", "w") as file:
        file.write("\n".join(["#version: tests", *MERGES]) + "\n")

    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    std = torch.tensor(STD).view(1, 3, 1, 1)
    for name, visual in (("clip_vit", VisionTransformer()), ("clip_resnet", ModifiedResNet())):
        model = Clip(visual).eval()
        randomise(model)
        names = is_halved(model)
        convert(convert(model, names, torch.float16), names, torch.float32)
        with torch.no_grad():
            image = model.encode_image((torch.from_numpy(pixels) - mean) / std)
            text = model.encode_text(torch.from_numpy(tokens))
            save(model, names, f"{folder}/{name}.pt")
        np.save(f"{folder}/{name}.npy", image.numpy())
        np.save(f"{folder}/{name}_text.npy", text.numpy())


if __name__ == "__main__":
    main()
