"""Seeded random weights that make a model behave as a trained one does.

As constructed, many models are useless for tests: heads, layer scales and the last batch norm of a
block are zero or nearly so, and batch norm statistics that no data has passed through let
activations grow to where a float cannot tell logits apart. Here zeros become small random numbers,
batch norms take the statistics of plausible images and of noise, and the head is scaled so that
logits spread by about two.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .messages import ExportError, reason

BATCH = 32  # small images leave a value per channel and image at the last batch norms
SPREAD = 2.0  # standard deviation of the logits
SMALL = 1e-3  # layer scales start at 1e-6 to 1e-4, where what they scale does not show
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def plausible_images(count, shape, seed):
    """Smooth colour in [0, 1] with a little grain, as photographs have."""
    generator = torch.Generator().manual_seed(seed)
    channels, height, width = shape
    coarse = torch.rand([count, channels, max(2, height // 8), max(2, width // 8)],
                        generator=generator)
    smooth = F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
    return (smooth + 0.05 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


def mixed_images(shape, seed):
    """Half plausible, half noise, which checks probe with: where batch norms have met only one of
    them, the other one's activations grow from block to block."""
    plausible = plausible_images(BATCH // 2, shape, seed)
    noise = torch.rand(plausible.shape, generator=torch.Generator().manual_seed(seed))
    return torch.cat([plausible, noise])


def fill_constants(model, generator):
    """Weights that are the same everywhere, as zero heads and layer scales are, become random."""
    for name, value in model.named_parameters():
        if value.numel() < 2 or not value.is_floating_point():
            continue
        first = value.flatten()[0]
        if bool((value == first).all()):
            size = abs(float(first))
            size = 0.2 * size if value.dim() < 2 and size > SMALL else 0.05
            value.add_(size * torch.randn(value.shape, generator=generator))


def settle_norms(model, images):
    """Batch norms take mean and variance of these images."""
    norms = [module for module in model.modules()
             if isinstance(module, NORMS) and module.track_running_stats]
    if not norms:
        return
    kept = [(norm, norm.momentum) for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        norm.training = True
    try:
        model(images)
    finally:
        for norm, momentum in kept:
            norm.momentum = momentum
            norm.training = False


def scale_head(model, images, num_classes):
    """The last layer with an output per class is scaled; without one the logits stay."""
    heads = [module for module in model.modules()
             if isinstance(module, (nn.Linear, nn.Conv2d)) and module.weight.is_leaf and
             module.weight.shape[0] == num_classes]
    if not heads:
        return
    spread = float(model(images).std())
    if spread > 0:
        for head in heads:
            for value in (head.weight, head.bias):
                if value is not None:
                    value.mul_(SPREAD / spread)


def randomize(model, shape, seed):
    """New random weights for a model in eval mode. The images have the given shape."""
    generator = torch.Generator().manual_seed(seed)
    images = mixed_images(shape, seed + 1)
    try:
        with torch.no_grad():
            fill_constants(model, generator)
            settle_norms(model, images)
            logits = model(images)
            if isinstance(logits, torch.Tensor) and logits.dim() == 2:
                scale_head(model, images, logits.shape[1])
    except Exception as error:
        raise ExportError(f"the model does not run on [{BATCH}, {', '.join(map(str, shape))}]: "
                          f"{reason(error)}")
