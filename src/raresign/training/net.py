"""The net that a recipe asks for."""

from __future__ import annotations

import torch

from raresign.models.sign_net import SignNet
from raresign.training.recipe import Recipe


def new_net(recipe: Recipe, classes: int, seed: int) -> SignNet:
    """The recipe's net with its pretrained backbone and a new head.

    Args:
        recipe: With a backbone and a crop size that are decided.
        classes: Number of classes.
        seed: Of whatever starts at random.

    Raises:
        InputError: See `SignNet`.
    """
    torch.manual_seed(seed)
    return SignNet(
        recipe.backbone,
        classes,
        embedding=recipe.embedding,
        weights=recipe.weights,
        crop_size=recipe.crop_size,
        photometry=recipe.photometry,
    )
