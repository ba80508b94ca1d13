"""The architectures that scripts/zoo.py goes through: a name, and the exporter's arguments.

Images are as small as the architecture allows, and torchvision's and timm's have five classes, so
that every model is checked in seconds; nothing else of the published architectures is changed, but
for RobustBench's large ones (zoo_models.py).
"""

import json
import os

QUICK = ("torchvision/resnet18", "torchvision/squeezenet1_1", "torchvision/mobilenet_v2",
         "torchvision/mobilenet_v3_small", "torchvision/mnasnet0_5",
         "torchvision/shufflenet_v2_x0_5")

CLASSES = 5

# name: (size of the images, further arguments)
TORCHVISION = {
    "alexnet": (64, {}), "vgg11_bn": (32, {}), "vgg13": (32, {}), "vgg16_bn": (32, {}),
    "resnet18": (32, {}),
    "resnet34": (32, {}), "resnet50": (32, {}), "resnext50_32x4d": (32, {}),
    "wide_resnet50_2": (32, {}), "densenet121": (32, {}), "squeezenet1_0": (64, {}),
    "squeezenet1_1": (64, {}), "googlenet": (32, {}), "inception_v3": (96, {}),
    "mobilenet_v2": (32, {}), "mobilenet_v3_small": (32, {}), "mobilenet_v3_large": (32, {}),
    "mnasnet0_5": (32, {}), "mnasnet1_0": (32, {}), "shufflenet_v2_x0_5": (32, {}),
    "shufflenet_v2_x1_0": (32, {}), "efficientnet_b0": (32, {}), "efficientnet_v2_s": (64, {}),
    "regnet_x_400mf": (32, {}), "regnet_y_400mf": (32, {}), "convnext_tiny": (32, {}),
    "vit_b_16": (64, {"image_size": 64}), "swin_t": (64, {}), "swin_v2_t": (64, {}),
    "maxvit_t": (224, {}),
}

TIMM = {
    "resnet26d": (32, {}), "resnetv2_50": (32, {}), "seresnext26d_32x4d": (32, {}),
    "skresnet18": (32, {}), "ecaresnet26t": (32, {}), "res2net50_14w_8s": (32, {}),
    "resnest14d": (32, {}), "dla34": (32, {}), "dpn48b": (32, {}), "hrnet_w18_small": (32, {}),
    "xception41": (32, {}), "nf_resnet26": (32, {}), "eca_nfnet_l0": (32, {}),
    "efficientnet_lite0": (32, {}), "mixnet_s": (64, {}), "ghostnet_050": (32, {}),
    "hardcorenas_a": (32, {}), "lcnet_050": (32, {}), "mobilenetv4_conv_small": (32, {}),
    "repvgg_a0": (32, {}), "rexnet_100": (32, {}), "tinynet_e": (32, {}),
    "ese_vovnet19b_dw": (32, {}), "cspresnet50": (32, {}), "darknet53": (32, {}),
    "regnetz_005": (64, {}), "convnext_atto": (32, {}), "convnextv2_atto": (32, {}),
    "convmixer_1024_20_ks9_p14": (56, {}), "vit_tiny_patch16_224": (64, {"img_size": 64}),
    "deit_tiny_patch16_224": (64, {"img_size": 64}),
    "deit_tiny_distilled_patch16_224": (64, {"img_size": 64}),
    "deit3_small_patch16_224": (64, {"img_size": 64}),
    "eva02_tiny_patch14_224": (56, {"img_size": 56}),
    "cait_xxs24_224": (64, {"img_size": 64}), "xcit_nano_12_p16_224": (64, {}),
    "convit_tiny": (64, {"img_size": 64}), "swin_tiny_patch4_window7_224": (56, {"img_size": 56}),
    "swinv2_cr_tiny_ns_224": (56, {"img_size": 56}), "pit_ti_224": (224, {}),
    "pvt_v2_b0": (64, {}), "poolformer_s12": (64, {}), "caformer_s18": (64, {}),
    "levit_128s": (224, {}), "visformer_tiny": (64, {"img_size": 64}),
    "mixer_s32_224": (64, {"img_size": 64}), "gmlp_s16_224": (64, {"img_size": 64}),
    "resmlp_12_224": (64, {"img_size": 64}), "twins_svt_small": (64, {}),
    "nest_tiny": (64, {"img_size": 64}), "tnt_s_patch16_224": (64, {"img_size": 64}),
    "coatnet_pico_rw_224": (64, {"img_size": 64}), "efficientformer_l1": (224, {}),
    "efficientvit_b0": (64, {}), "edgenext_xx_small": (64, {}), "mobilevit_xxs": (64, {}),
    "mobilevitv2_050": (64, {}), "fastvit_t8": (32, {}), "repvit_m0_9": (32, {}),
    "tiny_vit_5m_224": (64, {}), "focalnet_tiny_srf": (64, {}), "gcvit_xxtiny": (224, {}),
    "davit_tiny": (64, {}), "mambaout_femto": (32, {}), "crossvit_tiny_240": (240, {}),
    "volo_d1_224": (64, {"img_size": 64}), "sequencer2d_s": (64, {"img_size": 64}),
    "coat_tiny": (64, {"img_size": 64}), "selecsls42b": (32, {}), "dpn68": (32, {}),
}

# Of RobustBench's table, by name, as published. {name: (data set, threat model)}
ROBUSTBENCH = {
    "Wong2020Fast": ("cifar10", "Linf"), "Addepalli2022Efficient_RN18": ("cifar10", "Linf"),
    "Sehwag2021Proxy_R18": ("cifar10", "Linf"),
    "Rebuffi2021Fixing_R18_ddpm": ("cifar10", "Linf"),
    "Debenedetti2022Light_XCiT-S12": ("cifar10", "Linf"),
    "Rony2019Decoupling": ("cifar10", "L2"), "Engstrom2019Robustness": ("cifar10", "L2"),
    "Modas2021PRIMEResNet18": ("cifar10", "corruptions"),
    "Diffenderfer2021Winning_LRR": ("cifar10", "corruptions"),
    "Kireev2021Effectiveness_RLAT": ("cifar10", "corruptions"),
    "Hendrycks2020AugMix_WRN": ("cifar10", "corruptions"),
}

# Builders of zoo_models.py: {name: size of the images}
FAMILIES = {
    "wrn": 32, "wrn_sub_block1": 32, "wrn_boosting": 32, "wrn_pssilu": 32, "wrn_robust": 32,
    "wrn_a4": 32, "dm_wrn": 32, "dm_wrn_silu": 32, "dm_wrn_swish": 32, "dm_parn_swish": 32,
    "ra_wrn": 32, "mean_sparse_wrn": 32, "mean_sparse_wrn_94": 32, "mean_sparse_convnext": 64,
    "convnext_convstem": 64, "vit_convstem": 224, "mimir_swin": 32, "card_lrr": 32,
    "card_binary": 32, "Deck": 32, "resnext_cifar": 32, "preact_out_shortcut": 32,
    "preact_v2": 32, "resnet_basic": 32, "resnet_bottleneck": 32, "ensemble_of_resnets": 32,
    "bit_resnet": 32, "mixed_nuts": 32, "sodef": 32, "ClipHead": 64,
}


def entries():
    """[(name, arguments of the exporter)]"""
    models = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zoo_models.py")

    def packaged(package, name, size, kwargs):
        return (f"{package}/{name}",
                [f"--{package}", name, "--random", "--input", f"3,{size},{size}",
                 "--kwargs", json.dumps({"num_classes": CLASSES, **kwargs})])

    found = [packaged("torchvision", name, *value) for name, value in TORCHVISION.items()]
    found += [packaged("timm", name, *value) for name, value in TIMM.items()]
    found += [(f"robustbench/{name}", ["--robustbench", name, "--dataset", dataset, "--threat",
                                       threat, "--random"])
              for name, (dataset, threat) in ROBUSTBENCH.items()]
    found += [(f"robustbench/{name}", [f"{models}:{name}", "--random", "--input",
                                       f"3,{size},{size}"]) for name, size in FAMILIES.items()]
    return found
