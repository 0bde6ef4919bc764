"""A bundle: all that a trained model needs to answer, in one file of plain parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from raresign.answers.answer import SURE
from raresign.bundles.archive import KEPT, SUFFIX, read_archive, refuse
from raresign.bundles.catalogue_part import catalogue_of, catalogue_parts
from raresign.bundles.head_part import head_of, head_parts
from raresign.bundles.preprocessing import preprocessing
from raresign.errors import InputError
from raresign.framing.finder import Finder, Framing, own_finder
from raresign.parsing import parse_json
from raresign.runtime.onnx_encoder import OnnxEncoder
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.storage.places import as_path, file_name

ENCODER, _FINDER = "encoder.onnx", "finder.onnx"
_PREPROCESSING, _THRESHOLDS, _CARD = "preprocessing.json", "thresholds.json", "card.md"


def is_bundle(path: str | Path) -> bool:
    """Whether a path means a bundle, by the ending of its name.

    Example:
        >>> is_bundle("signs.raresign"), is_bundle("runs/mine")
        (True, False)
    """
    return Path(file_name(path)).suffix.lower() == SUFFIX and not as_path(path).is_dir()


@dataclass(frozen=True, eq=False)
class Bundle:
    """What a bundle holds, checked.

    Attributes:
        path: Where it lies.
        facts: Its manifest: schema, name, version that made it, precision, checksums.
        parts: The content of each part by name.

    Example:
        >>> Bundle.open("nowhere.raresign")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: nowhere.raresign cannot be read: No such file or directory...
    """

    path: Path
    facts: Mapping[str, Any]
    parts: Mapping[str, bytes]

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """Read a bundle whole; nothing is written to the disk, but a copy of one at a URL.

        Raises:
            InputError: No bundle, one that is damaged or was changed, or of a newer version.
        """
        facts, parts = read_archive(path)
        return cls(as_path(path), facts, parts)

    def recogniser(self) -> Recogniser:
        """The model, ready to answer; the classes of its catalogue have no icon files.

        Raises:
            InputError: Parts that do not belong together, or that a newer version made.
        """
        if KEPT in self.facts:
            refuse(self.path, "it is a patch; `raresign patch` makes a bundle of it and its base")
        try:
            told = parse_json(self.parts[_PREPROCESSING])
            framing: Framing = "found" if told["framing"] == "found" else "whole"
            finder = self._finder() if framing == "found" else None
            encoder = OnnxEncoder(self.parts[ENCODER], checked=True)
            if told != preprocessing(encoder.crop_size, framing, finder):
                raise ValueError(
                    "its pictures are prepared in a way that this version of raresign does not know"
                )
            head, (catalogue, _) = head_of(self.parts), self._catalogue
            if len(catalogue) != len(head.families) or encoder.width != head.rows.shape[1]:
                raise ValueError("its parts are of different models")
            head.judge(np.zeros((1, encoder.width), np.float32))  # wrong values fail here
        except InputError as error:
            refuse(self.path, error.problem, error)
        except (SafetensorError, LookupError, ValueError, TypeError, AttributeError) as error:
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            refuse(self.path, f"{kind}{str(error)[:300]}", error)
        return Recogniser(encoder, head, catalogue, framing, finder)

    @property
    def card(self) -> str:
        """The model card, in Markdown."""
        return self.parts[_CARD].decode("utf-8", "replace")

    @property
    def thresholds(self) -> dict[str, Any]:
        """Recommended thresholds: "typical", the model's own rule, and "conservative"."""
        found: dict[str, Any] = parse_json(self.parts[_THRESHOLDS])
        return found

    def icon(self, code: str) -> bytes | None:
        """The PNG of a class's sign; None where there is none.

        Raises:
            InputError: The bundle is damaged.
        """
        try:
            _, icons = self._catalogue
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            refuse(self.path, str(error)[:300], error)
        return self.parts[icons[code]] if code in icons else None

    @cached_property
    def _catalogue(self) -> tuple[SignCatalogue, dict[str, str]]:
        return catalogue_of(self.parts)

    def _finder(self) -> Finder:
        content, own = self.parts[_FINDER], own_finder()
        if content == own.content:
            return own
        try:
            return Finder(content)
        except Exception as error:  # onnxruntime has a class of its own for each kind of damage
            raise ValueError(f"{_FINDER} is no readable finder: {error}") from error


def check_suffix(path: str | Path) -> None:
    """Refuse a name that no bundle has.

    Raises:
        InputError: It has another ending.
    """
    if Path(file_name(path)).suffix.lower() != SUFFIX:
        raise InputError(f"{path}: a bundle's name ends with {SUFFIX}", f"--out model{SUFFIX}")


def bundle_parts(
    recogniser: Recogniser,
    encoder: bytes,
    card: str,
    icons: Mapping[str, np.ndarray],
    half: bool = False,
) -> dict[str, bytes]:
    """The parts of a bundle, for `write_archive`; the same model is the same bytes.

    Args:
        recogniser: Its head, catalogue and framing are written.
        encoder: Content of its encoder.onnx.
        card: The model card, in Markdown.
        icons: (H, W, 4) uint8 RGBA by code.
        half: See `head_parts`.
    """
    found = recogniser.framing == "found"
    finder = (recogniser.finder or own_finder()) if found else None
    told = preprocessing(recogniser.encoder.crop_size, recogniser.framing, finder)
    return {
        ENCODER: encoder,
        **({_FINDER: finder.content} if finder else {}),
        **head_parts(recogniser.head, half),
        **catalogue_parts(recogniser.catalogue, icons),
        _PREPROCESSING: _json(told),
        _THRESHOLDS: _json(_thresholds(recogniser)),
        _CARD: card.encode(),
    }


def _thresholds(recogniser: Recogniser) -> dict[str, Any]:
    """What to name a crop from: the rule of the model, and a stricter one."""
    rule = recogniser.head.rule
    levels = rule.levels if rule else None
    typical = {
        "known": levels.class_threshold if levels else 0.0,
        "family": levels.family_threshold if levels else 0.0,
        "sign": levels.sign_threshold if levels else 0.0,
        "accepted_error": rule.accepted_error if rule else None,
        "probability": 0.0,
    }
    return {"typical": typical, "conservative": {**typical, "probability": SURE}}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
