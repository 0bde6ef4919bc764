"""The recogniser of a run, put together from its files: net, head, added classes, photos."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from raresign.errors import InputError
from raresign.models.saved_rows import SavedRows, classifier_rows
from raresign.runs.head_file import has_head, load_head
from raresign.runs.photo_embeddings import read_photos
from raresign.runtime.onnx_encoder import ENCODER_FILE, OnnxEncoder
from raresign.runtime.recogniser import Encoder, Recogniser

if TYPE_CHECKING:
    from raresign.runs.run_folder import RunFolder


def read_recogniser(
    run: RunFolder, encoder: Encoder | None, without: Collection[str]
) -> Recogniser:
    """Read the files once; `RunFolder.recogniser` reads again where they change meanwhile.

    Args:
        run: The run folder.
        encoder, without: See `RunFolder.recogniser`.

    Raises:
        InputError: As `RunFolder.recogniser`.
    """
    added = run.added  # first: it may open the run anew
    run.check_trained()
    fused = run.info.get("settings", {}).get("recipe", {}).get("recognition") == "fused"
    if fused and run.info.get("finished") and not has_head(run.path):
        raise InputError(
            f"{run.path} lost its recognition.safetensors, without which it answers otherwise",
            "restore the file, or train again",
        )
    saved = classifier_rows(run.path)
    head = load_head(run.path, saved.rows, saved.biases, run.trained_catalogue)
    width = saved.rows.shape[1]
    for one in added:
        _check_width(run, f"the added class '{one.sign.code}' is", len(one.added.row), width)
    head = head.with_classes([one.added for one in added])
    for code, photos in read_photos(run.path):
        label = run.catalogue.label_of(code)
        if label < 0 or code in without:  # the first: of a class that has gone
            continue
        _check_width(run, f"the photos of '{code}' are", photos.embedding.shape[1], width)
        head = head.with_photos(label, photos.embedding, photos.lift)
    return Recogniser(encoder or _encoder(run, saved), head, run.catalogue, run.framing)


def _check_width(run: RunFolder, whose: str, width: int, wanted: int) -> None:
    if width != wanted:
        raise InputError(f"{whose} not of the net in {run.path}", "remove and add them again")


def _encoder(run: RunFolder, saved: SavedRows) -> Encoder:
    """The encoder of the saved weights, without torch where `encoder.onnx` is of them."""
    file = run.path / ENCODER_FILE
    if file.is_file():
        encoder = OnnxEncoder(file)
        if encoder.model_digest == saved.digest:
            return encoder
    from raresign.models.outputs import TorchEncoder  # torch takes seconds to import

    return TorchEncoder(run.model())
