#!/usr/bin/env python3
"""Makes tests/golden/loir: a tiny ResNet for CIFAR-10 as TorchScript, and its LO-IR scores.

The scores [neurons, classes] follow the definition word for word: for each neuron one full pass of
the eager model in which a hook sets the neuron to zero, and the mean absolute change of the class's
logit over the images of the class. Needs PyTorch; the images are tests/golden/cifar10.

usage: make_loir_golden.py
"""
import pathlib

import numpy as np
import torch

import make_test_models

GOLDEN = pathlib.Path(__file__).parent.parent / "tests/golden"


def read_images():
    records = np.fromfile(GOLDEN / "cifar10/data_batch_1.bin", np.uint8).reshape(-1, 3073)
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(255)
    return torch.from_numpy(pixels), torch.from_numpy(records[:, 0].astype(np.int64))


def change(model, x, y, module, before, neuron):
    """|z_y(x) - z_y without the neuron| of each image."""
    def without(values):
        values = values.clone()
        values[:, neuron] = 0
        return values

    rows = torch.arange(len(x))
    whole = model(x)[rows, y]
    if before:
        hook = module.register_forward_pre_hook(lambda _, args: (without(args[0]),))
    else:
        hook = module.register_forward_hook(lambda _, args, out: without(out))
    lacking = model(x)[rows, y]
    hook.remove()
    return (whole - lacking).abs()


def main():
    make_test_models.NUM_CLASSES = 10
    model = make_test_models.ResNet(width=4)
    make_test_models.randomise(model, 20)
    model.eval()
    x, y = read_images()
    (GOLDEN / "loir").mkdir(exist_ok=True)
    torch.jit.script(model).save(str(GOLDEN / "loir/resnet.pt"))
    with torch.no_grad():
        for name, module, before in (("penultimate", model.linear, True),
                                     ("layer3", model.layer3, False)):
            num = model.linear.in_features if before else model.layer3[1].conv2.out_channels
            score = torch.zeros(num, 10)
            for k in range(num):
                each = change(model, x, y, module, before, k)
                for c in range(10):
                    score[k, c] = each[y == c].mean()
            np.save(GOLDEN / f"loir/{name}.npy", score.numpy())
            print(name, tuple(score.shape), float(score.min()), float(score.max()))


if __name__ == "__main__":
    main()
