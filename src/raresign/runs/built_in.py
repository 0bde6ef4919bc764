"""The built-in model: a recogniser that comes with the package and answers without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from raresign.answers.head import Head
from raresign.answers.head_state import head_from_state, state_of_head
from raresign.errors import InputError
from raresign.language.spoken import _, later
from raresign.models.built_in_files import CATALOGUE, ENCODER, HEAD, facts, part
from raresign.runs.saved_settings import saved_framing
from raresign.runtime.onnx_encoder import OnnxEncoder
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass

later("Russian")  # whose signs they are, as its facts say


def about_built_in() -> str:
    """What the built-in model is, in one line.

    Raises:
        InputError: Its files are damaged.

    Example:
        >>> about_built_in()
        'built-in model: 205 Russian signs, trained from drawings without one photograph of a sign'
    """
    known = facts()
    return _(
        "built-in model: {n} {country} signs, trained from drawings without one photograph of "
        "a sign"
    ).format(n=known["classes"], country=_(known["signs"]))


def built_in_recogniser() -> Recogniser:
    """The built-in model, ready to answer; the classes of its catalogue have no icon files.

    Raises:
        InputError: Its files are damaged.
    """
    known = facts()
    arrays, listed = part(HEAD, known), part(CATALOGUE, known)
    try:
        found = json.loads(listed)
        head = _head(load(arrays), found["head"])
        signs = [SignClass(icons=(), **row) for row in found["classes"]]
        catalogue = SignCatalogue(signs, str(found["country"]))
        if len(head.families) != len(catalogue):
            raise ValueError(f"{len(catalogue)} classes, but answers for {len(head.families)}")
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"the built-in model is damaged: {type(error).__name__}: {error}",
            "install raresign again",
        ) from error
    encoder = OnnxEncoder(part(ENCODER, known), checked=True, own=True)
    return Recogniser(encoder, head, catalogue, saved_framing(known["run"]))


def built_in_parts(head: Head, catalogue: SignCatalogue) -> dict[str, bytes]:
    """Head and catalogue as `built_in_recogniser` reads them; rows are rounded to float16.

    Raises:
        InputError: The catalogue has no country.
    """
    if catalogue.iso is None:
        raise InputError("the signs are of no country", "train with --country")
    arrays, plain = state_of_head(head)
    arrays |= {"rows": head.rows.astype(np.float16), "biases": head.biases.astype(np.float32)}
    names = ("code", "id", "type", "family", "twin", "name")
    listed = {
        "country": catalogue.iso,
        "classes": [{key: vars(sign)[key] for key in names} for sign in catalogue.classes],
        "head": plain,
    }
    contiguous = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    text = json.dumps(listed, indent=1, ensure_ascii=False) + "\n"
    return {HEAD: save(contiguous), CATALOGUE: text.encode()}


def _head(arrays: Mapping[str, np.ndarray], plain: Mapping[str, Any]) -> Head:
    rows, biases = (arrays[name].astype(np.float32) for name in ("rows", "biases"))
    return head_from_state(rows, biases, arrays, plain)
