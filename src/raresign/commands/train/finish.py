"""The end of a training: recogniser, forecast, final measurements, pictures."""

from __future__ import annotations

import numpy as np

from raresign.commands.data_folder import DataFolder
from raresign.commands.progress import Say
from raresign.commands.test_answers import crop_answers, predict_pack, recognise_pack
from raresign.commands.train.contact_sheets import write_sheets
from raresign.crops.pack import CropPack
from raresign.evaluation.metrics import evaluate_predictions
from raresign.evaluation.predictions import Predictions
from raresign.fitting.build import Rules, build_recogniser, index_synthesiser
from raresign.fitting.encoder_export import export_encoder
from raresign.fitting.forecasts import forecast_rare
from raresign.models.saved_weights import classifier_rows
from raresign.models.sign_net import SignNet
from raresign.runs.backgrounds import save_backgrounds
from raresign.runs.evaluation_files import EVALUATION, write_evaluation
from raresign.runs.head_file import save_head
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import ENCODER_FILE
from raresign.training.recipe import Recipe
from raresign.training.training_data import TrainingData


def recalls_on_test(
    net: SignNet, test: CropPack | None, source: DataFolder
) -> dict[str, float | None] | None:
    """Recall on all, rare and frequent test crops: shown in the table, chosen by no one."""
    if test is None:
        return None
    return _recalls(predict_pack(net, test, source.catalogue, source.root))


def _recalls(predictions: Predictions) -> dict[str, float | None]:
    """Recall on all, rare and frequent crops."""
    groups: dict[str, float | None] = {}
    for name in ("all", "rare", "freq"):
        hits = predictions.correct[predictions.of_group(name)]
        groups[name] = float(np.mean(hits)) if len(hits) else None
    return groups


def finish_run(
    run: RunFolder,
    net: SignNet,
    source: DataFolder,
    prepared: TrainingData,
    test: CropPack | None,
    report: bool,
    recipe: Recipe,
    say: Say,
) -> None:
    """Write the recogniser, final measurements and pictures of a run whose stages are done.

    Args:
        run: Gets the files; the caller writes run.json.
        net: The trained net.
        source, prepared: What it was trained on.
        test: Test crops, measured by the recogniser as it was saved.
        report: Whether pictures are wanted.
        recipe: What was trained.
        say: Is told what could not be written.
    """
    preset = recipe.index_preset
    reason = export_encoder(net, run.path / ENCODER_FILE, classifier_rows(run.path).digest)
    if reason:
        say(f"no encoder.onnx ({reason}): answers of this run need torch")
    if recipe.recognition == "fused":
        saved = run.info.get("rules")
        rules = Rules.from_dict(saved) if saved else None
        recogniser = build_recogniser(
            net, prepared, preset, rules, prepared.trained_on(recipe.stages), recipe.index_crops
        )
        save_head(run.path, recogniser.head)
        save_backgrounds(run.path, prepared.pictures)
        engine = index_synthesiser(prepared, preset, next(net.parameters()).device)
        run.info["forecast"] = forecast_rare(net, recogniser.head, source.catalogue, engine)
    if test is not None:
        recogniser = run.recogniser()
        predictions, said = recognise_pack(recogniser, test, source.root)
        run.info["test"] = _recalls(predictions)
        write_evaluation(
            run.path / EVALUATION,
            predictions,
            evaluate_predictions(predictions),
            crop_answers(recogniser.head.index, said, predictions),
        )
    if report:
        write_sheets(run.path / "sheets", prepared, preset)
