"""Loading what answers, whatever it is kept in: a run folder, a bundle, the package itself."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.models.built_in_files import BUILT_IN, is_built_in
from raresign.runtime.openvino_encoder import OpenVinoEncoder
from raresign.runtime.recogniser import Recogniser

ENGINES = ("onnxruntime", "openvino")
"""What can run the network of a bundle."""


def load(run: str | Path = BUILT_IN, engine: str = ENGINES[0]) -> Recogniser:
    """A trained model, ready to answer pictures: `raresign.load("run").answer("crop.png")`.

    Args:
        run: The run folder; a bundle, the file that `raresign export` writes; a URL of either;
            "built-in", or nothing, for the model that comes with the package.
        engine: What runs the network, one of `ENGINES`: "openvino" takes a bundle, and answers
            as onnxruntime does but for rounding.

    Raises:
        InputError: No run, no trained model in it yet, or a damaged file; an engine that is not
            installed.
    """
    if engine not in ENGINES:
        raise InputError(f"no engine is called '{engine}'", f"use {', '.join(ENGINES)}")
    if engine == ENGINES[0] and is_built_in(run):
        from raresign.runs.built_in import built_in_recogniser

        return built_in_recogniser()
    from raresign.bundles.bundle import ENCODER, Bundle, is_bundle  # the built-in model needs none

    if engine != ENGINES[0]:
        if not is_bundle(run):
            raise InputError(
                f"{engine} runs bundles, and {run} is none",
                "raresign export RUN --out signs.raresign",
            )
        bundle = Bundle.open(run)
        return replace(bundle.recogniser(), encoder=OpenVinoEncoder(bundle.parts[ENCODER]))
    if is_bundle(run):
        return Bundle.open(run).recogniser()
    from raresign.runs.run_folder import RunFolder  # a bundle needs none of what it imports

    folder = RunFolder.open(run)
    recogniser = folder.recogniser()
    if not folder.info.get("finished"):
        warnings.warn(
            _(
                "the training of {run} has not ended: it has no rules yet and names every crop, "
                "however unsure; finish it with `raresign train --resume`"
            ).format(run=run),
            stacklevel=2,
        )
    return recogniser
