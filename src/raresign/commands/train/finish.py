"""The end of a training: recogniser, forecast, final measurements, pictures."""

from __future__ import annotations

from pathlib import Path

from raresign.commands.measure_crops import write_measured
from raresign.commands.progress import Say
from raresign.commands.train.contact_sheets import write_sheets
from raresign.crops.pack import CropPack
from raresign.fitting.build import Rules, build_recogniser, index_synthesiser
from raresign.fitting.encoder_export import export_encoder
from raresign.fitting.forecasts import forecast_rare
from raresign.models.saved_weights import classifier_rows
from raresign.models.sign_net import SignNet
from raresign.runs.backgrounds import save_backgrounds
from raresign.runs.evaluation_files import EVALUATION
from raresign.runs.head_file import save_head
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import ENCODER_FILE
from raresign.training.recipe import Recipe
from raresign.training.training_data import TrainingData


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

    Args:
        run: Gets the files; the caller writes run.json.
        net, recipe, data: The trained net, and what it was trained by and on.
        test: Test crops, measured by the recogniser as it was saved.
        root: The data folder.
        report: Whether pictures are wanted.
        say: Is told what could not be written.
    """
    preset = recipe.index_preset
    reason = export_encoder(net, run.path / ENCODER_FILE, classifier_rows(run.path).digest)
    if reason:
        say(f"no encoder.onnx ({reason}): answers of this run need torch")
    if recipe.recognition == "fused":
        saved = run.info.get("rules")
        rules = Rules.from_dict(saved) if saved else None
        trained = data.trained_on(recipe.stages)
        head = build_recogniser(net, data, preset, rules, trained, recipe.index_crops).head
        save_head(run.path, head)
        save_backgrounds(run.path, data.pictures)
        engine = index_synthesiser(data, preset, next(net.parameters()).device)
        run.info["forecast"] = forecast_rare(net, head, data.catalogue, engine)
    if test is not None:
        _, run.info["test"] = write_measured(run.path / EVALUATION, run.recogniser(), test, root)
    if report:
        write_sheets(run.path / "sheets", data, preset)
