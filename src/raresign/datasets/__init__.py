"""Real crops: readers with one result type, decoding, packing, splits and background photos."""

from __future__ import annotations

from raresign.datasets.backgrounds import load_backgrounds
from raresign.datasets.coco import from_coco
from raresign.datasets.crop_table import CodeBook, CropTable
from raresign.datasets.decode import UnreadableFile, decode_crop
from raresign.datasets.folds import (
    Fold,
    class_folds,
    leaking_clusters,
    protocol_folds,
    straddling_clusters,
)
from raresign.datasets.gtsrb import from_gtsrb
from raresign.datasets.labelling import first_names
from raresign.datasets.pack import CropPack, default_cache, pack_crops
from raresign.datasets.plain_layouts import from_csv, from_files, from_folders
from raresign.datasets.reference_layout import from_reference, from_reference_test
from raresign.datasets.splits import (
    choose_pseudo_rare,
    near_duplicate_clusters,
    split_validation,
)
from raresign.datasets.squash import squash, squashed_chunks
from raresign.datasets.yolo import from_yolo

__all__ = [
    "CodeBook",
    "CropPack",
    "CropTable",
    "Fold",
    "UnreadableFile",
    "choose_pseudo_rare",
    "class_folds",
    "decode_crop",
    "default_cache",
    "first_names",
    "from_coco",
    "from_csv",
    "from_files",
    "from_folders",
    "from_gtsrb",
    "from_reference",
    "from_reference_test",
    "from_yolo",
    "leaking_clusters",
    "load_backgrounds",
    "near_duplicate_clusters",
    "pack_crops",
    "protocol_folds",
    "split_validation",
    "squash",
    "squashed_chunks",
    "straddling_clusters",
]
