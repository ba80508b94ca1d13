#!/usr/bin/env python3
"""Train the demo CLIP, a small two-tower model for Fashion-MNIST, and learn its vocabulary.

    OMP_NUM_THREADS=1 nice -n 10 /usr/bin/python3 scripts/train_demo_clip.py

It makes three files:

  tests/data/fashion_clip.pt    scripted TorchScript with encode_image([N,3,R,R]) and
                                encode_text([T,context_length]), both to embeddings of one width;
                                the buffers input_resolution and context_length say R and the length
  tests/data/fashion_bpe.txt    byte-pair merges in the layout of OpenAI's bpe_simple_vocab_16e6.txt
  tests/data/fashion_clip.json  zero-shot accuracy on the test set with the bare class names as
                                prompts, their tokens, the settings, the versions, the sha256 sums

Everything follows OpenAI's CLIP: images are RGB (grey is copied to three channels), resized
bicubically to R and normalised with CLIP's mean and standard deviation; text is lower-cased, split
into words, merged by BPE, put between <|startoftext|> and <|endoftext|> and padded with zeros; the
text embedding is read at the end token, which has the highest number.

The training pairs are the training images of Fashion-MNIST with captions drawn for their labels:
several names, templates and words for material and shape per class. The loss is CLIP's, where all
captions of an image's class count as its own. Needs PyTorch and NumPy, and Debian's
dataset-fashion-mnist (or --data with the same four files). Same seed, same PyTorch build: same
weights.
"""

import argparse
import collections
import json
import math
import os
import platform
import re
import sys
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn

from train_demo_model import DEFAULT_DATA, HERE, BasicBlock, load, save_scripted, sha256_of

DATA_FOLDER = os.path.normpath(os.path.join(HERE, "..", "tests", "data"))
DEFAULT_OUTPUT = os.path.join(DATA_FOLDER, "fashion_clip.pt")
DEFAULT_VOCAB = os.path.join(DATA_FOLDER, "fashion_bpe.txt")
RESOLUTION = 32
CONTEXT_LENGTH = 32
NUM_MERGES = 256
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

# The class name, other names with their articles, then materials and shapes seen on such things.
CLASSES = [
    ("T-shirt/top", ["a t-shirt/top", "a t-shirt", "a tee", "a top", "a tank top"],
     ["cotton", "jersey"],
     ["short sleeves", "a round neck", "a printed front"]),
    ("Trouser", ["a trouser", "a pair of trousers", "a pair of pants", "a pair of jeans"],
     ["denim", "cotton", "wool"],
     ["two long legs", "straight legs", "a waistband"]),
    ("Pullover", ["a pullover", "a sweater", "a jumper", "a sweatshirt"],
     ["knitted wool", "fleece", "cashmere"],
     ["long sleeves and no buttons", "a crew neck", "ribbed cuffs"]),
    ("Dress", ["a dress", "a gown", "a frock", "a summer dress"],
     ["silk", "chiffon", "satin"],
     ["a long skirt", "a narrow waist", "a flowing hem"]),
    ("Coat", ["a coat", "a jacket", "an overcoat", "a parka"],
     ["thick wool", "down", "tweed"],
     ["an open front", "a zip and long sleeves", "a wide collar"]),
    ("Sandal", ["a sandal", "a flip-flop", "an open shoe", "a strappy heel"],
     ["thin leather", "cork", "rubber"],
     ["straps", "open toes", "a high heel and straps"]),
    ("Shirt", ["a shirt", "a blouse", "a button-up shirt", "a dress shirt"],
     ["linen", "thin cotton", "flannel"],
     ["a row of buttons", "a collar and cuffs", "a breast pocket"]),
    ("Sneaker", ["a sneaker", "a running shoe", "a trainer", "a tennis shoe"],
     ["canvas", "mesh"],
     ["laces", "a flat rubber sole", "a low collar and laces"]),
    ("Bag", ["a bag", "a handbag", "a purse", "a tote bag"],
     ["leather", "nylon", "suede"],
     ["a handle", "a shoulder strap", "a square body"]),
    ("Ankle boot", ["an ankle boot", "a boot", "a chelsea boot", "a high shoe"],
     ["thick leather", "suede leather"],
     ["a high shaft", "a block heel", "a tall collar"]),
]
TEMPLATES = ["{}", "a photo of {}", "a picture of {}", "an image of {}", "this is {}",
             "a black and white photo of {}", "a grey product photo of {}", "{} for sale",
             "a small photo of {} on a black background"]


def captions_of(index):
    """Every caption of a class. One in five is the bare class name, which users prompt with."""
    name, others, materials, shapes = CLASSES[index]
    captions = []
    for other in others:
        captions += [template.format(other) for template in TEMPLATES]
        captions += [f"{other} made of {material}" for material in materials]
        captions += [f"{other} with {shape}" for shape in shapes]
        captions += [f"a photo of {other} with {shape}" for shape in shapes]
        captions.append(re.sub("^(an?|a pair of) ", "", other))
    return captions + [name] * (len(captions) // 4)


def byte_symbols():
    """OpenAI's printable stand-ins for the 256 bytes, in the order of their token numbers."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1),
                 *range(ord("®"), ord("ÿ") + 1)]
    symbols = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in symbols:
            symbols[byte] = chr(256 + len(symbols) - len(printable))
    return symbols


SYMBOLS = byte_symbols()


def split_words(text):
    """CLIP's word pattern, as far as ASCII goes; the captions are ASCII."""
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+"
    return re.findall(pattern, text.lower())


def word_symbols(word):
    symbols = [SYMBOLS[byte] for byte in word.encode("utf-8")]
    symbols[-1] += "</w>"
    return tuple(symbols)


def merge(symbols, pair):
    """Join every occurrence of a pair, from left to right."""
    out = []
    i = 0
    while i < len(symbols):
        if symbols[i:i + 2] == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return tuple(out)


def learn_merges(captions, count):
    """Byte-pair encoding: join the most frequent pair, again and again."""
    words = collections.Counter()
    for caption in captions:
        words.update(word_symbols(word) for word in split_words(caption))
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for symbols, times in words.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += times
        if not pairs:
            break
        # Ties go to the pair that sorts first, so that the file does not depend on hashing.
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        joined = collections.Counter()
        for symbols, times in words.items():
            joined[merge(symbols, best)] += times
        words = joined
    return merges


class Tokenizer:
    """CLIP's tokenizer over a list of merges."""

    def __init__(self, merges):
        alphabet = list(SYMBOLS.values())
        names = alphabet + [symbol + "</w>" for symbol in alphabet]
        names += [first + second for first, second in merges]
        names += ["<|startoftext|>", "<|endoftext|>"]
        self.size = len(names)
        self.numbers = {name: number for number, name in enumerate(names)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}

    def encode_word(self, word):
        symbols = word_symbols(word)
        while len(symbols) > 1:
            pair = min(zip(symbols, symbols[1:]), key=lambda p: self.ranks.get(p, math.inf))
            if pair not in self.ranks:
                break
            symbols = merge(symbols, pair)
        return [self.numbers[symbol] for symbol in symbols]

    def encode(self, text):
        """Start token, the text, end token."""
        body = [number for word in split_words(text) for number in self.encode_word(word)]
        return [self.size - 2] + body + [self.size - 1]

    def batch(self, texts):
        """int64 [T, context_length], padded with zeros."""
        tokens = torch.zeros(len(texts), CONTEXT_LENGTH, dtype=torch.int64)
        for row, text in enumerate(texts):
            numbers = self.encode(text)
            if len(numbers) > CONTEXT_LENGTH:
                raise ValueError(f"too long for {CONTEXT_LENGTH} tokens: {text}")
            tokens[row, :len(numbers)] = torch.tensor(numbers)
        return tokens


class ImageTower(nn.Module):
    """A residual network: 32x32 RGB, a stem of stride 2, then 16x16, 8x8 and 4x4."""

    def __init__(self, width: int, planes=(24, 48, 96)):
        super().__init__()
        self.conv1 = nn.Conv2d(3, planes[0], 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.relu = nn.ReLU()
        self.layer1 = BasicBlock(planes[0], planes[0], 1)
        self.layer2 = BasicBlock(planes[0], planes[1], 2)
        self.layer3 = BasicBlock(planes[1], planes[2], 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.proj = nn.Linear(planes[2], width, bias=False)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        return self.proj(self.avgpool(out).flatten(1))


class AttentionBlock(nn.Module):
    """Self-attention that looks back only, and a two-layer perceptron."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(width)
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        self.ln_2 = nn.LayerNorm(width)
        self.c_fc = nn.Linear(width, 2 * width)
        self.gelu = nn.GELU()
        self.c_proj = nn.Linear(2 * width, width)

    def forward(self, x, causal):
        T, L, D = x.shape
        q, k, v = self.in_proj(self.ln_1(x)).chunk(3, dim=-1)  # [T, L, D] each
        q = q.reshape(T, L, self.heads, D // self.heads).transpose(1, 2)
        k = k.reshape(T, L, self.heads, D // self.heads).transpose(1, 2)
        v = v.reshape(T, L, self.heads, D // self.heads).transpose(1, 2)
        weights = q @ k.transpose(-2, -1) / math.sqrt(D // self.heads) + causal
        out = (weights.softmax(dim=-1) @ v).transpose(1, 2).reshape(T, L, D)
        x = x + self.out_proj(out)
        return x + self.c_proj(self.gelu(self.c_fc(self.ln_2(x))))


class FashionClip(nn.Module):
    """Two towers and a scale, with the attributes of OpenAI's released archives."""

    def __init__(self, vocab_size: int, width: int = 64, heads: int = 4, num_blocks: int = 2):
        super().__init__()
        self.visual = ImageTower(width)
        self.token_embedding = nn.Embedding(vocab_size, width)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(CONTEXT_LENGTH, width))
        self.transformer = nn.ModuleList([AttentionBlock(width, heads) for _ in range(num_blocks)])
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(width ** -0.5 * torch.randn(width, width))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        self.register_buffer("input_resolution", torch.tensor(RESOLUTION))
        self.register_buffer("context_length", torch.tensor(CONTEXT_LENGTH))
        self.register_buffer("vocab_size", torch.tensor(vocab_size))

    @torch.jit.export
    def encode_image(self, image):
        """[N, 3, R, R], normalised, to [N, width]."""
        return self.visual(image)

    @torch.jit.export
    def encode_text(self, text):
        """int64 [T, L], L up to context_length, to [T, width]."""
        L = text.size(1)
        x = self.token_embedding(text) + self.positional_embedding[:L]
        # What follows the end token is never looked at, so the padding does not matter.
        causal = torch.full([L, L], -math.inf, device=text.device).triu(1)
        for block in self.transformer:
            x = block(x, causal)
        x = self.ln_final(x)
        end = text.argmax(dim=-1)
        return x[torch.arange(x.size(0), device=text.device), end] @ self.text_projection

    def forward(self, image, text):
        """Scaled cosine similarities [N, T] and their transpose."""
        image_features = F.normalize(self.encode_image(image), dim=-1)
        text_features = F.normalize(self.encode_text(text), dim=-1)
        logits = self.logit_scale.exp() * image_features @ text_features.t()
        return logits, logits.t()


def resize(images):
    """Grey [N,1,28,28] in [0,1] to bytes [N,1,R,R], as Pillow's bicubic filter does it."""
    parts = [F.interpolate(part, size=(RESOLUTION, RESOLUTION), mode="bicubic", antialias=True)
             for part in images.split(1000)]
    return torch.cat(parts).mul_(255).round_().clamp_(0, 255).to(torch.uint8)


def normalize(images):
    """Bytes [N,1,R,R] to what encode_image takes."""
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    std = torch.tensor(STD).view(1, 3, 1, 1)
    return (images.float().div(255) - mean) / std


def draw_captions(captions, labels):
    """One random caption for each label, cut to the longest; the causal towers allow that."""
    tokens = torch.empty(len(labels), CONTEXT_LENGTH, dtype=torch.int64)
    for index, rows in enumerate(captions):
        mine = (labels == index).nonzero().flatten()
        tokens[mine] = rows[torch.randint(len(rows), [len(mine)])]
    return tokens[:, :int((tokens != 0).sum(1).max())]


def train(model, images, labels, captions, args):
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": args.weight_decay},
                                   {"params": others, "weight_decay": 0.0}])
    steps = len(images) // args.batch_size
    total = steps * args.epochs
    done = 0
    began = time.time()
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(images))
        for i in range(steps):
            rows = order[i * args.batch_size:(i + 1) * args.batch_size]
            y = labels[rows]
            # One triangle: up for the first tenth of the run, down to zero at its end.
            lr = args.lr * min(done / (0.1 * total), (total - done) / (0.9 * total))
            for group in optimizer.param_groups:
                group["lr"] = lr
            logits, _ = model(normalize(images[rows]), draw_captions(captions, y))
            own = (y.unsqueeze(0) == y.unsqueeze(1)).float()
            target = own / own.sum(dim=1, keepdim=True)
            loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target)) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                model.logit_scale.clamp_(max=math.log(100))
            done += 1
        print(f"epoch {epoch + 1}/{args.epochs}  loss {loss.item():.3f}  "
              f"{time.time() - began:.0f} s", file=sys.stderr, flush=True)


def zero_shot(model, images, labels, tokens):
    """Accuracy per class of the nearest prompt."""
    right = torch.zeros(len(CLASSES))
    with torch.no_grad():
        text = F.normalize(model.encode_text(tokens), dim=-1)
        for x, y in zip(images.split(500), labels.split(500)):
            features = F.normalize(model.encode_image(normalize(x)), dim=-1)
            hits = y[(features @ text.t()).argmax(dim=1) == y]
            right += torch.bincount(hits, minlength=len(CLASSES))
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=DEFAULT_DATA, help="folder with the four IDX .gz files")
    parser.add_argument("-o", "--output", default=DEFAULT_OUTPUT, help="the .pt file")
    parser.add_argument("--vocab", default=DEFAULT_VOCAB, help="the merges")
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train-count", type=int, default=0, help="use fewer training images")
    args = parser.parse_args()

    # The order of floating point additions, and so the weights, depends on the thread count.
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True)

    texts = [captions_of(index) for index in range(len(CLASSES))]
    merges = learn_merges([text for captions in texts for text in captions], NUM_MERGES)
    tokenizer = Tokenizer(merges)
    with open(args.vocab, "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n")
        file.writelines(f"{first} {second}\n" for first, second in merges)

    images, labels = load(args.data, "train")
    if args.train_count:
        images, labels = images[:args.train_count], labels[:args.train_count]
    test_images, test_labels = load(args.data, "test")
    images, test_images = resize(images), resize(test_images)

    model = FashionClip(tokenizer.size)
    train(model, images, labels, [tokenizer.batch(captions) for captions in texts], args)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.eval()

    save_scripted(model, args.output)
    # What is measured is the file, not the model in memory.
    exported = torch.jit.load(args.output)
    names = [entry[0] for entry in CLASSES]
    right = zero_shot(exported, test_images, test_labels, tokenizer.batch(names))
    counts = torch.bincount(test_labels, minlength=len(CLASSES))
    accuracy = float(right.sum() / counts.sum())
    record = {
        "model": os.path.basename(args.output),
        "sha256": sha256_of(args.output),
        "vocab": os.path.basename(args.vocab),
        "vocab_sha256": sha256_of(args.vocab),
        "vocab_size": tokenizer.size,
        "context_length": CONTEXT_LENGTH,
        "input_resolution": RESOLUTION,
        "mean": MEAN,
        "std": STD,
        "data": "Fashion-MNIST",
        "train_images": len(images),
        "test_images": len(test_images),
        "zero_shot_acc": round(accuracy, 6),
        "concepts": [{"name": name, "tokens": tokenizer.encode(name),
                      "zero_shot_acc": round(float(right[i] / counts[i]), 6)}
                     for i, name in enumerate(names)],
        "training": {"epochs": args.epochs, "batch_size": args.batch_size, "lr_max": args.lr,
                     "weight_decay": args.weight_decay, "seed": args.seed},
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "numpy": numpy.__version__},
    }
    with open(os.path.splitext(args.output)[0] + ".json", "w") as file:
        json.dump(record, file, indent=2)
        file.write("\n")
    print(f"{args.output}: zero-shot {accuracy:.4f}, {tokenizer.size} tokens, "
          f"sha256 {record['sha256']}")


if __name__ == "__main__":
    main()
