"""One trial of the protocol: train a recipe on one fold with one seed and keep what it said."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from raresign.answers.prototypes import PrototypeIndex
from raresign.commands.data_folder import DataFolder
from raresign.crops.pack import CropPack
from raresign.errors import InputError
from raresign.files import whole_file, write_json
from raresign.fitting.synthetic_outputs import index_outputs
from raresign.lab.protocol.folds import Fold
from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet
from raresign.training.recipe import Recipe
from raresign.training.stage_loop import fit_stages
from raresign.training.training_data import Split, TrainingData

_KEPT_CROPS = 32
"""Synthetic crops a class whose embeddings are kept."""


@dataclass(frozen=True)
class Trial:
    """What a trained recipe said about the measured crops of its fold.

    Attributes:
        title: Of the row.
        labels, rows: (N,) int64 classes of the crops, and their rows in the pack.
        plays_rare: (N,) bool.
        real: (C,) bool, whether real crops of a class were trained on.
        logits, embedding: (N, C) and (N, E) float32.
        index: (M, E) float32 embeddings of synthetic crops, `index_labels` (M,) their classes.
        seconds: Training time.
        steps: Optimiser steps.
    """

    title: str
    fold: int
    seed: int
    labels: np.ndarray
    rows: np.ndarray
    plays_rare: np.ndarray
    real: np.ndarray
    logits: np.ndarray
    embedding: np.ndarray
    index: np.ndarray
    index_labels: np.ndarray
    index_logits: np.ndarray
    seconds: float
    steps: int

    def prototypes(self) -> PrototypeIndex:
        """The index of its synthetic crops."""
        synthetic = np.zeros(len(self.index), np.uint8)
        return PrototypeIndex(self.index, self.index_labels, synthetic, self.logits.shape[1])


def trial_folder(out: Path, title: str, recipe: Recipe, fold: int, seed: int) -> Path:
    """Where a trial is kept; another recipe under the same title has another folder."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    settings = recipe.model_dump_json(exclude_defaults=True)  # a new setting changes no old trial
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    return out / f"{plain[:40]}-{digest}" / f"fold-{fold}-seed-{seed}"


def run_trial(
    source: DataFolder,
    pack: CropPack,
    fold: Fold,
    recipe: Recipe,
    number: int,
    seed: int,
    folder: Path,
    title: str,
    spare: bool,
    sweep: Callable[[SignNet, np.ndarray], None] | None = None,
) -> None:
    """Train and write `trial.json` last: a folder that has it is finished.

    Args:
        source: Catalogue and backgrounds.
        pack: Real crops.
        fold: Which of them train and measure.
        recipe: What is trained; every stage holds out, and is measured at its end only.
        number: Of the fold.
        seed: Of the training.
        folder: Gets the files.
        title: Of the row.
        spare: The ceiling: also train on the real crops of the fold's classes that do not measure.
        sweep: Is given the trained net and the (N,) rows of the measured crops.
    """
    training = np.sort(np.concatenate([fold.training, fold.spare])) if spare else fold.training
    none = np.empty(0, np.int64)
    split = Split(training, none, none, fold.classes)  # measured below, chosen by no one
    data = TrainingData(
        source.catalogue,
        torch.from_numpy(np.asarray(pack.crops)),
        torch.tensor(pack.labels),
        split,
        source.backgrounds(),
        recipe.crop_size,
        seed,
        recipe.framing,
    )
    began = time.monotonic()
    steps = 0
    stages = tuple(
        stage.model_copy(update={"hold_out": True, "validate_every": stage.steps})
        for stage in recipe.stages
    )
    measured_late = recipe.model_copy(update={"stages": stages})
    for _, trained, result in fit_stages(measured_late, data, folder / "stages", quiet=True):
        net = trained
        steps += result.steps
    seconds = time.monotonic() - began
    rows = np.concatenate([fold.validation, fold.measured])
    measured = net_outputs(net, np.asarray(pack.crops)[rows])
    made = data.synthesiser(recipe.index_preset, len(recipe.stages), next(net.parameters()).device)
    index = index_outputs(net, made, source.catalogue.codes, _KEPT_CROPS)
    if sweep is not None:
        sweep(net, rows)
    real = np.bincount(pack.labels[training], minlength=len(source.catalogue)) > 0
    outputs = {
        "rows": rows,
        "labels": pack.labels[rows],
        "plays_rare": np.arange(len(rows)) >= len(fold.validation),
        "real": real,
        "logits": measured.logits,
        "embedding": measured.embedding.astype(np.float16),
        "index": index.embedding.astype(np.float16),
        "index_logits": index.logits.astype(np.float16),
        "index_labels": index.labels,
    }
    with whole_file(folder / "outputs.safetensors") as temporary:
        temporary.write_bytes(save(outputs))
    write_json(
        folder / "trial.json",
        {
            "title": title,
            "fold": number,
            "seed": seed,
            "icons": str(source.icons),
            "classes": [source.catalogue.codes[label] for label in fold.classes],
            "seconds": seconds,
            "steps": steps,
            "crops": sum(stage.steps * stage.batch for stage in recipe.stages),
            "threads": torch.get_num_threads(),
            "cores": os.cpu_count(),
            "recipe": recipe.model_dump(mode="json"),
        },
    )


def load_trial(folder: Path) -> Trial:
    """Read a finished trial.

    Raises:
        InputError: A file is missing or damaged.
    """
    try:
        info = json.loads((folder / "trial.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "outputs.safetensors")
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(
            f"{folder} holds no trial: {type(error).__name__}: {error}", "delete it and run again"
        ) from error
    wide: dict[str, Any] = {
        name: value.astype(np.float32) if value.dtype == np.float16 else value
        for name, value in arrays.items()
        if not name.startswith("view ")  # of an earlier version
    }
    about = {name: info[name] for name in ("title", "fold", "seed", "seconds", "steps")}
    return Trial(**about, **wide)
