"""All kinds of inputs."""

from __future__ import annotations

from fuzzing import annotations, catalogues, commands, models, pictures, service, settings, tables
from fuzzing.kind import Kind

KINDS: tuple[Kind, ...] = (
    *pictures.KINDS,
    *catalogues.KINDS,
    *annotations.KINDS,
    *tables.KINDS,
    *settings.KINDS,
    *models.KINDS,
    *commands.KINDS,
    *service.KINDS,
)


def find_kind(name: str) -> Kind:
    """The kind of a name."""
    return next(kind for kind in KINDS if kind.name == name)
