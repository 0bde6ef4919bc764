"""`raresign export`: a run, or the built-in model, as one file that answers without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from raresign import __version__
from raresign.bundles.archive import write_archive
from raresign.bundles.bundle import ENCODER as BUNDLED_ENCODER
from raresign.bundles.bundle import Bundle, bundle_parts, check_suffix
from raresign.bundles.patch import write_patch
from raresign.commands.bundle.model_card import model_card
from raresign.commands.progress import Say, silent
from raresign.errors import InputError
from raresign.evaluation.metrics import Metrics, metrics_from_dict
from raresign.files import read_bytes, whole_file
from raresign.models.built_in_files import ENCODER, facts, is_built_in, part
from raresign.models.saved_rows import classifier_rows
from raresign.parsing import parse_json
from raresign.runs.built_in import built_in_recogniser
from raresign.runs.evaluation_files import EVALUATION
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import ENCODER_FILE, OnnxEncoder
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.icons.icon_file import load_icon
from raresign.storage.places import as_path, url_of
from raresign.storage.published import written

Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_GRAPH_SUFFIX = ".onnx"
_ICON_SIDE = 48
_CALIBRATION = 256
_OURS = "- raresign and its finder: Apache-2.0"


@dataclass(frozen=True)
class Exported:
    """What a bundle is made of, read of one state of a run.

    Attributes:
        recogniser: Answers with the encoder as it was trained.
        encoder: Content of its encoder.onnx.
        info: The content of run.json.
        catalogue: Its classes, with icon files but for the built-in model.
        metrics: Its figures on test crops, if there are any.
        licences: What is known of them.
    """

    recogniser: Recogniser
    encoder: bytes
    info: Mapping[str, Any]
    catalogue: SignCatalogue
    metrics: Metrics | None
    licences: str


def export(
    run: str | Path,
    out: str | Path,
    *,
    precision: Precision | None = None,
    patch: str | Path | None = None,
    say: Say = silent,
) -> Path:
    """Write a model as a bundle: one file, which `load` and `predict` take as they take a run.

    The same run is the same bytes. With fp32 the answers are those of the run; fp16 halves the
    file and changes hardly any; int8 is the smallest, and the fastest where the processor has
    instructions for it.

    Args:
        run: A finished run folder or a URL of one, or "built-in".
        out: The file or URL, whose name ends with `.raresign`, or with `.onnx`.
        precision: Of the encoder's weights (fp16), or of all that it computes (int8, with ranges
            from synthetic crops of the run's own classes); fp32 unless given.
        patch: A bundle of this run from before classes or photos came or went: `out`, whose name
            then ends with `.raresign-patch`, is what changed since, in the bundle's precision.
        say: Is told how large the file is.

    A name that ends with `.onnx` makes one graph for other languages, see `one_graph`.

    Returns:
        The file.

    Raises:
        InputError: The training has not ended, the network has no ONNX form, another ending of the
            name, no such precision, or a bundle of another network.
    """
    if precision not in (*PRECISIONS, None):
        raise InputError(f"no precision is called '{precision}'", f"use {', '.join(PRECISIONS)}")
    if Path(out).suffix.lower() == _GRAPH_SUFFIX:
        if patch is not None:
            raise InputError(f"{out}: a graph has no patches", "leave --patch out")
        return _export_graph(read_model(run), run, as_path(out), precision or "fp32", say)
    if patch is None:
        check_suffix(out)
    found = read_model(run)
    base = _base(patch, found, run, precision) if patch is not None else None
    precision = base.facts["precision"] if base else precision or "fp32"
    encoder = base.parts[BUNDLED_ENCODER] if base else encoder_of(found, run, precision)
    signs = found.catalogue.classes
    parts = bundle_parts(
        replace(found.recogniser, encoder=OnnxEncoder(encoder)),
        encoder,
        model_card(found.info, found.catalogue, found.metrics, precision, found.licences),
        {sign.code: _small(sign.icons[0] if sign.icons else None, sign.code) for sign in signs},
        half=precision != "fp32",
    )
    facts = {
        "raresign": __version__,
        "name": str(found.info.get("name", "model")),
        "classes": len(signs),
        "precision": precision,
        "net": _net(found),
    }
    if base is None:
        write_archive(out, parts, facts)
    else:
        write_patch(out, base, parts, facts)
    out, size = as_path(out), sum(map(len, parts.values()))
    if url_of(out) is None:
        size = out.stat().st_size
    say(f"{out}: {len(signs)} classes, {precision}, {size / 1e6:.2f} MB")
    return out


def _export_graph(
    found: Exported, run: str | Path, out: Path, precision: Precision, say: Say
) -> Path:
    """Write a model as one ONNX graph."""
    from raresign.fitting.one_graph.whole_model import one_graph  # onnx, which is not always there

    encoder, signs = encoder_of(found, run, precision), found.catalogue.classes
    card = model_card(found.info, found.catalogue, found.metrics, precision, found.licences)
    facts = {
        "raresign": __version__,
        "name": str(found.info.get("name", "model")),
        "precision": precision,
        "card": card,
    }
    content = one_graph(found.recogniser, encoder, facts)
    with written(out) as here, whole_file(here) as temporary:
        temporary.write_bytes(content)
    say(f"{out}: {len(signs)} classes, {precision}, {len(content) / 1e6:.2f} MB")
    return out


def read_model(run: str | Path) -> Exported:
    """All that a bundle is made of.

    Raises:
        InputError: See `export`.
    """
    if is_built_in(run):
        known = facts()
        model = built_in_recogniser()
        saw = "\n".join(f"- it saw {one}" for one in known["saw"])
        licences = f"- the model: {known['licence']}\n{saw}\n{_OURS}"
        return Exported(model, part(ENCODER, known), known["run"], model.catalogue, None, licences)
    folder = RunFolder.open(run)
    folder.check_finished()
    try:
        content = read_bytes(folder.path / ENCODER_FILE)
    except OSError as error:
        raise InputError(
            f"{run} has no {ENCODER_FILE}: its network has no ONNX form, or an earlier version "
            "trained it",
            "train again, with another --backbone if need be",
        ) from error
    encoder = OnnxEncoder(content)
    if encoder.model_digest != classifier_rows(folder.path).digest:
        raise InputError(f"{run}: {ENCODER_FILE} is of other weights", "train again")
    recogniser, catalogue = folder.recogniser(encoder), folder.catalogue
    metrics = _metrics(folder.path)
    folder.check_unchanged()
    weights = folder.info.get("weights", {}).get("source", "?")
    licences = (
        f"- training data, icons: those of whoever trained it\n- start of the backbone: {weights}\n"
        f"{_OURS}"
    )
    return Exported(recogniser, content, folder.info, catalogue, metrics, licences)


def _net(found: Exported) -> str:
    """Names the network, in whatever precision."""
    return hashlib.sha256(found.encoder).hexdigest()


def _base(
    patch: str | Path, found: Exported, run: str | Path, precision: Precision | None
) -> Bundle:
    """The bundle that a patch is made for."""
    base = Bundle.open(patch)
    if base.facts.get("net") != _net(found) or base.facts.get("precision") not in PRECISIONS:
        raise InputError(
            f"{patch} has another network than {run}", "export the run whole, without --patch"
        )
    if precision not in (None, base.facts["precision"]):
        raise InputError(
            f"--precision {precision}, but {patch} is {base.facts['precision']}",
            "a patch keeps the precision of its bundle",
        )
    return base


def encoder_of(found: Exported, run: str | Path, precision: Precision) -> bytes:
    """The content of the encoder in another precision."""
    if precision == "fp32":
        return found.encoder
    from raresign.fitting.smaller_encoder import half_encoder, integer_encoder  # onnx, not always

    if precision == "fp16":
        return half_encoder(found.encoder)
    from raresign.fitting.calibration_crops import calibration_crops

    size = found.recogniser.encoder.crop_size
    return integer_encoder(found.encoder, calibration_crops(run, size, _CALIBRATION))


def _metrics(run: Path) -> Metrics | None:
    """The figures of RUN/evaluation; None where there are none that can be read."""
    try:
        plain = parse_json(read_bytes(run / EVALUATION / "metrics.json"))
        return metrics_from_dict(plain)
    except (OSError, ValueError):
        return None


def _small(icon: Path | None, code: str) -> np.ndarray:
    """(H, W, 4) uint8: a sign, its longer side 48 px, in few colours."""
    pixels = load_icon(icon, code=code) if icon else render_sign(code, 2 * _ICON_SIDE)
    picture = Image.fromarray(pixels)
    picture.thumbnail((_ICON_SIDE, _ICON_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(picture)
