#!/usr/bin/env python3
"""Makes tests/golden/resample: small image files, and what Pillow turns them into.

Needs Pillow, NumPy and torchvision. The outputs [H, W, 3] are those of RobustBench's
preparations, made of torchvision's transforms on PIL images, and of plain resizes.

usage: make_resample_golden.py FOLDER
"""
import pathlib
import sys

import numpy as np
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

PRESETS = {
    "Res256Crop224": [transforms.Resize(256), transforms.CenterCrop(224)],
    "Crop288": [transforms.CenterCrop(288)],
    "Res224": [transforms.Resize([224, 224])],
    "BicubicRes256Crop224": [
        transforms.Resize(256, interpolation=InterpolationMode.BICUBIC),
        transforms.CenterCrop(224),
    ],
    "none": [],
}
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
SIZES = [(7, 5), (41, 9), (16, 60), (97, 60), (41, 31), (96, 61)]  # width, height


def picture(width, height, channels, seed):
    """Smooth waves, hard edges and some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        a, b, p = rng.uniform(0.02, 0.15, 3)
        wave = 127 + 100 * np.sin(a * x + 7 * p) * np.cos(b * y + c)
        boxes = 120 * (((x // 11 + y // 7 + c) % 5) == 0)
        planes.append(wave + boxes + rng.normal(0, 4, (height, width)))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)

    # name, file type, mode, size and how it is saved
    inputs = [
        ("wide.png", "RGB", (173, 131), {}),
        ("tall.jpg", "RGB", (331, 500), {"quality": 85}),
        ("colour.jpg", "RGB", (61, 41), {"quality": 90}),
        ("grey.png", "L", (61, 41), {}),
        ("grey.jpg", "L", (61, 41), {"quality": 90}),
        ("cmyk.jpg", "CMYK", (61, 41), {"quality": 95}),
        ("alpha.png", "RGBA", (61, 41), {}),
        ("palette.png", "P", (61, 41), {}),
        ("plain.bmp", "RGB", (61, 41), {}),
    ]
    for seed, (name, mode, size, how) in enumerate(inputs):
        channels = {"L": 1, "P": 1, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
        pixels = picture(*size, channels, seed)
        if mode == "P":
            image = Image.fromarray(picture(*size, 3, seed)).quantize(64)
        else:
            image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode)
        image.save(folder / name, **how)
        rgb = Image.open(folder / name).convert("RGB")
        chosen = {"wide.png": list(PRESETS), "tall.jpg": ["Res256Crop224"]}
        for preset in chosen.get(name, ["none"]):
            out = transforms.Compose(PRESETS[preset])(rgb)
            np.save(folder / f"{name}.{preset}.npy", np.asarray(out))

    small = Image.fromarray(picture(97, 61, 3, 99))
    np.save(folder / "resize.npy", np.asarray(small))
    for filter_name, filter_ in FILTERS.items():
        for width, height in SIZES:
            out = small.resize((width, height), filter_)
            np.save(folder / f"resize.{filter_name}.{width}x{height}.npy", np.asarray(out))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
