"""Loading what answers, whatever it is kept in: a run folder, a bundle, the package itself."""

from __future__ import annotations

import warnings
from pathlib import Path

from raresign.bundles.bundle import Bundle, is_bundle
from raresign.language.spoken import _
from raresign.models.built_in_files import BUILT_IN, is_built_in
from raresign.runtime.recogniser import Recogniser


def load(run: str | Path = BUILT_IN) -> Recogniser:
    """A trained model, ready to answer pictures: `raresign.load("run").answer("crop.png")`.

    Args:
        run: The run folder; a bundle, the file that `raresign export` writes; "built-in", or
            nothing, for the model that comes with the package.

    Raises:
        InputError: No run, no trained model in it yet, or a damaged file.
    """
    if is_built_in(run):
        from raresign.runs.built_in import built_in_recogniser

        return built_in_recogniser()
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
