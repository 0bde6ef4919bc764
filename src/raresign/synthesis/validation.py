"""What is wrong with settings that a user wrote, in words."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

SHORT = reprlib.Repr()
SHORT.maxlevel = 2  # aliases make a small file into a list of billions


def validation_problem(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """`key.path: what is wrong` of the first problem that pydantic found.

    Args:
        error: What pydantic found.
        model: What was validated; an unknown key then gets the setting it looks like.
    """
    problem = error.errors()[0]
    place = [str(part) for part in problem["loc"] if part not in ("road", "reference")]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = no_setting(str(problem["loc"][-1]), _settings_at(model, problem["loc"][:-1]))
    elif problem["type"] == "union_tag_invalid":
        place.append(problem["ctx"]["discriminator"].strip("'"))
        message = f"one of {problem['ctx']['expected_tags']}, got {problem['ctx']['tag']!r}"
    elif problem["type"] not in ("value_error", "missing"):
        message = f"{message}, got {SHORT.repr(problem['input'])}"
    return f"{'.'.join(place) or 'settings'}: {message}"


def no_setting(key: str, known: Iterable[str]) -> str:
    """That a key is unknown, and the known one that it looks like.

    Example:
        >>> no_setting("stepz", ["steps", "real"])
        "there is no such setting 'stepz', did you mean 'steps'"
    """
    close = difflib.get_close_matches(key, list(known), n=1)
    return f"there is no such setting '{key}'" + (f", did you mean '{close[0]}'" if close else "")


def _settings_at(model: Any, place: tuple[int | str, ...]) -> list[str]:
    """The settings that a model has at a place inside, none where that cannot be told."""
    for part in place:
        if isinstance(part, str):
            field = None if model is None else model.model_fields.get(part)
            model = None if field is None else _model_in(field.annotation)
    return [] if model is None else list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that `X | None` or `tuple[X, ...]` is about."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
