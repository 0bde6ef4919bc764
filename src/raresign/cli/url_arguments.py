"""URLs where commands take paths: `s3://bucket/crops/` stays as it was typed."""

from __future__ import annotations

import copy
import inspect
from pathlib import Path
from typing import Annotated, get_args, get_origin

import raresign


def with_urls(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter of a command; a path that is a URL reaches it as one that keeps the URL.

    Typer would make a path of it and so take one of its slashes.
    """
    if get_origin(parameter.annotation) is not Annotated:
        return parameter
    kind, told, *more = get_args(parameter.annotation)
    taken = {Path: str, Path | None: str | None, list[Path]: list[str]}.get(kind)
    if taken is None:
        return parameter
    told = copy.copy(told)
    told.parser = raresign.as_path
    every = (taken, told, *more)
    return parameter.replace(annotation=Annotated[every])
