"""Models: timm backbones with an embedding and a classifier, their weights, freezing."""

from __future__ import annotations

from raresign.models.contrast import even_contrast
from raresign.models.folded import folded
from raresign.models.freezing import backbone_parts, freeze, frozen_statistics
from raresign.models.model_files import load_model, save_model
from raresign.models.sign_net import SignNet, SignOutput, default_backbone, quicken_batchnorms
from raresign.models.weights import WeightsRecord, hub_reachable, load_weights

__all__ = [
    "SignNet",
    "SignOutput",
    "WeightsRecord",
    "backbone_parts",
    "default_backbone",
    "even_contrast",
    "folded",
    "freeze",
    "frozen_statistics",
    "hub_reachable",
    "load_model",
    "load_weights",
    "quicken_batchnorms",
    "save_model",
]
