"""The end of a training: recogniser, forecast, final measurements, pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from raresign.commands.measure_crops import measure, told_unreadable
from raresign.commands.progress import Say
from raresign.crops.pack import CropPack
from raresign.files import whole_file
from raresign.fitting.encoder_export import export_encoder
from raresign.fitting.recogniser_fit import (
    Rules,
    build_recogniser,
    fit_synthetic_rules,
    index_synthesiser,
)
from raresign.fitting.run_forecasts import forecast_rare
from raresign.models.saved_rows import classifier_rows
from raresign.models.sign_net import SignNet
from raresign.report.sheets import contact_sheet
from raresign.runs.backgrounds import save_backgrounds
from raresign.runs.evaluation_files import EVALUATION
from raresign.runs.head_file import save_head
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import ENCODER_FILE
from raresign.signs.values import in_order
from raresign.training.recipe import Recipe
from raresign.training.training_data import TrainingData

_CLASSES, _EACH = 20, 8  # of a contact sheet


def finish_run(
    run: RunFolder,
    net: SignNet,
    recipe: Recipe,
    data: TrainingData,
    test: CropPack | None,
    root: Path,
    report: bool,
    say: Say,
) -> None:
    """Write the recogniser, final measurements and pictures of a run whose stages are done.

    The test crops, of the data folder `root`, are measured by the recogniser as it was saved. The
    caller writes run.json.
    """
    preset = recipe.index_preset
    reason = export_encoder(net, run.path / ENCODER_FILE, classifier_rows(run.path).digest)
    if reason:
        say(f"no encoder.onnx ({reason}): answers of this run need torch")
    if recipe.recognition == "fused":
        saved = run.info.get("rules")
        rules = Rules.from_dict(saved) if saved else None
        trained = data.trained_on(recipe.stages)
        if rules is None and not len(trained):
            rules = fit_synthetic_rules(net, data, preset, recipe.index_crops)
            run.info["rules"] = rules.as_dict()
        head = build_recogniser(net, data, preset, rules, trained, recipe.index_crops).head
        save_head(run.path, head)
        save_backgrounds(run.path, data.pictures)
        engine = index_synthesiser(data, preset, next(net.parameters()).device)
        run.info["forecast"] = forecast_rare(net, head, data.catalogue, engine)
    if test is not None:
        measured = measure(run.recogniser(), test, root)
        measured.write(run.path / EVALUATION)
        run.info["test"] = measured.recalls
        if lost := told_unreadable(measured.metrics):
            say(lost)
    if report:
        _write_sheets(run.path / "sheets", data, preset)


def _write_sheets(folder: Path, data: TrainingData, preset: str) -> None:
    """Write synthetic.png and real.png, a row a class, if possible the same classes in both."""
    labels, names = data.labels.numpy(), data.catalogue.codes
    every = sorted(range(len(names)), key=lambda label: in_order(names[label]))
    present = [label for label in every if (labels == label).any()]
    rows = _spread(present or every, _CLASSES)
    wanted = torch.tensor(rows).repeat_interleave(_EACH)
    engine = data.synthesiser(preset, 0, torch.device("cpu"))
    made = engine.render(wanted, torch.arange(len(wanted))).crops
    codes = [names[label] for label in wanted.tolist()]
    _write(folder / "synthetic.png", made.mul(255).round().byte().numpy(), codes)
    if present:
        places = np.array([_spread(np.flatnonzero(labels == k), _EACH) for k in rows]).reshape(-1)
        codes = [names[label] for label in labels[places]]
        _write(folder / "real.png", data.crops[torch.from_numpy(places)].numpy(), codes)


def _spread(values: list[int] | np.ndarray, count: int) -> list[int]:
    """`count` of the values, evenly spread; some twice where there are fewer."""
    return [int(values[i * len(values) // count]) for i in range(count)]


def _write(path: Path, crops: np.ndarray, codes: list[str]) -> None:
    with whole_file(path) as temporary:
        contact_sheet(crops, _EACH, codes).save(temporary)
