"""Where the icons of a data folder come from, as `--icons` says it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from raresign.errors import InputError
from raresign.signs.countries.drawn_folder import drawn_icons, joined_icons, lettered_folder
from raresign.signs.countries.registry import STANDARDS

_AND = "own+"


@dataclass(frozen=True)
class IconSource:
    """The folder's own icons, another folder, our drawings, or the first and the last together.

    Args:
        drawn: Name of the standard whose drawings serve; "" for none.
        joined: Whether they join the folder's own icons as variants.
        place: Another folder of icons; None unless one was named.
        lettered: Whether text in SVG files is drawn, in a free font; else they are refused.

    Example:
        >>> [str(IconSource.parse(text)) for text in (None, "gost", "own+gost", "my/icons")]
        ['own', 'gost', 'own+gost', 'my/icons']
    """

    drawn: str = ""
    joined: bool = False
    place: Path | None = None
    lettered: bool = False

    @classmethod
    def parse(cls, text: str | Path | None) -> IconSource:
        """What a user says of icons.

        Args:
            text: None or "own": DATA/icons; "gost": our drawings; "own+gost": both; else a folder.

        Raises:
            InputError: After "own+" comes no name of drawings.
        """
        said = str(text)
        if text is None or said == "own":
            return cls()
        if is_drawn(said):
            return cls(drawn=said)
        if said.startswith(_AND) and not Path(said).is_dir():
            name = said.removeprefix(_AND)
            if name not in STANDARDS:
                raise InputError(
                    f"no signs are drawn for {name!r}", f"use {_AND}{f' or {_AND}'.join(STANDARDS)}"
                )
            return cls(drawn=name, joined=True)
        return cls(place=Path(said))

    def __str__(self) -> str:
        """What `parse` reads."""
        if self.place is not None:
            return str(self.place)
        return (_AND if self.joined else "") + self.drawn if self.drawn else "own"

    def lasting(self) -> IconSource:
        """The same from any working directory."""
        return replace(self, place=self.place.resolve()) if self.place is not None else self

    def own(self, root: Path) -> Path:
        """The user's icons for the data in `root`, those of our own drawing apart.

        Raises:
            InputError: Their text cannot be drawn; they are missing.
        """
        place = root / "icons" if self.place is None else self.place
        return lettered_folder(place) if self.lettered else place

    def folder(self, root: Path, codes: Collection[str]) -> Path:
        """A folder with the icons of `codes` for the data in `root`, kept until the process ends.

        Raises:
            InputError: A code has no drawing; the folder's own icons are missing.
        """
        if self.drawn and not self.joined:
            return drawn_icons(self.drawn, codes)
        return joined_icons(self.own(root), self.drawn, codes) if self.joined else self.own(root)


def is_drawn(place: str | Path) -> bool:
    """Whether a data folder's or icon folder's name means signs drawn by us.

    Example:
        >>> is_drawn("gost"), is_drawn("data/gost")
        (True, False)
    """
    return str(place) in STANDARDS and not Path(place).is_dir()
