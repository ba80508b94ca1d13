"""RobustBench's architecture families at sizes that a laptop checks in seconds, and CLIP's head.

The classes are the installed package's own; only depths and widths are smaller than published.
"""

import torch
from torch import nn
from torch.nn import functional as F

from exporter.robustbench import import_robustbench

import_robustbench()

from robustbench.model_zoo import cifar10, cifar100  # noqa: E402
from robustbench.model_zoo.architectures import (  # noqa: E402
    CARD_resnet, Meansparse_wrn_70_16, Meansparse_wrn_94_16, MIMIR_swin_transformer, bit_rn_v2,
    boosting_wide_resnet, convstem_models, dm_wide_resnet, mixing_net, output_maps,
    paf_wide_resnet, resnet, resnext, robust_resnet, robust_wide_resnet, robustarch_wide_resnet,
    sodef_layers, sparsified_model, utils_architectures, wide_resnet)

SMALL = {"depth": 16, "widen_factor": 2}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def wrn():
    return wide_resnet.WideResNet(**SMALL, sub_block1=False)


def wrn_sub_block1():
    return wide_resnet.WideResNet(**SMALL, sub_block1=True)


def wrn_boosting():
    return boosting_wide_resnet.BoostingWideResNet(**SMALL)


def wrn_pssilu():
    return paf_wide_resnet.PAF_WideResNet(paf_wide_resnet.PSSiLU(), **SMALL)


def wrn_robust():
    return robust_wide_resnet.RobustWideResNet(channel_configs=[16, 32, 64, 48],
                                               depth_configs=[2, 2, 2])


def wrn_a4():
    return robust_resnet.PreActResNet(channel_configs=(16, 32, 64, 48), depth_configs=(2, 2, 2),
                                      activations=("SiLU",) * 3, pre_process=True)


def wrn_cifar100_madry():
    return cifar100.Wu2020AdversarialNet(**SMALL)


def wrn_cifar100_efficient():
    return cifar100.Chen2020EfficientNet(**SMALL)


def dm_wrn(activation=nn.ReLU):
    return dm_wide_resnet.DMWideResNet(depth=16, width=2, activation_fn=activation)


def dm_wrn_silu():
    return dm_wrn(nn.SiLU)


def dm_wrn_swish():
    return dm_wrn(dm_wide_resnet.Swish)


def dm_parn_swish():
    return dm_wide_resnet.DMPreActResNet(activation_fn=dm_wide_resnet.Swish)


def ra_wrn():
    return robustarch_wide_resnet.NormalizedWideResNet(
        MEAN, STD, stem_width=16, depth=[2, 2, 2], stage_width=[32, 48, 64], groups=[1, 1, 1],
        activation_fn=nn.SiLU, se_ratio=0.25, se_activation=nn.ReLU, se_order=2)


def mean_sparse_wrn():
    return with_statistics(Meansparse_wrn_70_16.DMWideResNet(depth=16, width=2,
                                                             activation_fn=nn.SiLU))


def mean_sparse_wrn_94():
    return with_statistics(Meansparse_wrn_94_16.MeanSparse_DMWideResNet(
        depth=16, width=2, activation_fn=nn.SiLU))


def with_statistics(model):
    """MeanSparse keeps statistics that its training measures; without them it passes nothing on."""
    generator = torch.Generator().manual_seed(5)
    for name, value in model.named_buffers():
        leaf = name.rpartition(".")[2]
        if leaf == "threshold":
            value.fill_(0.25)
        elif "sparse" in name.lower() and leaf == "running_var":
            value.copy_(0.5 + torch.rand(value.shape, generator=generator))
    return model


def mean_sparse_convnext():
    import timm
    model = timm.create_model("convnext_large", num_classes=10, depths=(1, 1, 1, 1))
    model = utils_architectures.normalize_model(model, MEAN, STD)
    return with_statistics(sparsified_model.get_sparse_model(model, "imagenet-Linf"))


def convnext_convstem():
    model = convstem_models.get_convstem_models("convnext_t_cvst")
    inner = getattr(model, "model", model)
    inner.head.fc = nn.Linear(768, 10)
    return model


def vit_convstem():
    model = convstem_models.get_convstem_models("vit_s_cvst")
    model.model.head = nn.Linear(384, 10)
    model.model.blocks = model.model.blocks[:3]
    return model


def mimir_swin():
    return MIMIR_swin_transformer.SwinTransformer(
        img_size=32, patch_size=2, num_classes=10, embed_dim=24, depths=[2, 2], num_heads=[2, 4],
        window_size=4, drop_path_rate=0.0)


def card_lrr():
    return CARD_resnet.LRR_ResNet(width=16)


def card_binary():
    return CARD_resnet.WidePreActResNet()


class Deck(nn.Module):
    """Averaged probabilities of several cards, as RobustBench's decks."""

    def __init__(self):
        super().__init__()
        self.models = nn.ModuleList(card_lrr() for _ in range(3))

    def forward(self, x):
        return torch.stack([torch.softmax(card(x), 1) for card in self.models]).mean(0)


def resnext_cifar():
    return resnext.CifarResNeXt(resnext.ResNeXtBottleneck, depth=29, cardinality=4, base_width=8,
                                num_classes=10)


def preact_out_shortcut():
    return resnet.PreActResNet(resnet.PreActBlock, [1, 1, 1, 1], num_classes=10,
                               bn_before_fc=True, out_shortcut=True)


def preact_v2():
    return resnet.PreActResNet(resnet.PreActBlockV2, [1, 1, 1, 1], num_classes=10,
                               bn_before_fc=True)


def resnet_basic():
    return resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes=10)


def resnet_bottleneck():
    return resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=10)


def ensemble_of_resnets():
    model = cifar10.Chen2020AdversarialNet()
    return model


def bit_resnet():
    return bit_rn_v2.ResNetV2([1, 1, 1, 1], 1, head_size=10, zero_head=False,
                              return_features=False)


def mixed_nuts():
    robust_map = output_maps.LNClampPowerScaleMap(scale=0.05, power=2.0, clamp_bias=0.75, ln_k=250)
    settings = {"std_map": output_maps.HardMaxMap(), "rob_map": robust_map, "alpha": 0.7,
                "alpha_diffable": 0.7, "parallel": False}
    return mixing_net.NonLinMixedClassifier(bit_resnet(), dm_wrn_silu(), settings)


def sodef():
    kept = sodef_layers.DMWideResNet
    sodef_layers.DMWideResNet = lambda **kwargs: kept(**{**kwargs, "depth": 10})
    try:
        return sodef_layers.rebuffi_sodef()
    finally:
        sodef_layers.DMWideResNet = kept


class ClipHead(nn.Module):
    """Zero-shot: cosine of image and text embeddings, scaled, as in CLIP."""

    def __init__(self):
        super().__init__()
        import timm
        self.visual = timm.create_model("vit_xsmall_patch16_clip_224", img_size=64,
                                        num_classes=0, depth=3)
        generator = torch.Generator().manual_seed(9)
        texts = torch.randn(10, self.visual.num_features, generator=generator)
        self.embedding = nn.Identity()  # what goes into the product with the texts
        self.register_buffer("texts", F.normalize(texts, dim=1))

    def forward(self, x):
        return 20.0 * self.embedding(F.normalize(self.visual(x), dim=1)) @ self.texts.t()
