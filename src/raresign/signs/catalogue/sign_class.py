"""One class of signs, as the catalogue lists it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raresign.errors import InputError
from raresign.signs.catalogue.classes_file import HOW, check_ids
from raresign.signs.class_type import SignType

_BARRED = {*"/\\@\x7f", *map(chr, range(32))}


@dataclass(frozen=True)
class SignClass:
    """One class of signs.

    Args:
        code: Such as "3.24.n60"; unique in a catalogue.
        id: The number that the user's data give the class; unique, not negative.
        type: "freq" if real crops exist, "rare" if only the icon does.
        icons: Files, at least one.
        family: Shape and colour, such as "red triangle".
        twin: Code of the class that a mirror makes of this one, `None` if the catalogue has none.
        name: For people; "" where none is known.

    Example:
        >>> sign = SignClass("3.1", 0, "freq", (Path("icons/3.1.png"),), "red disc", None)
        >>> sign.family
        'red disc'
    """

    code: str
    id: int
    type: SignType
    icons: tuple[Path, ...]
    family: str
    twin: str | None
    name: str = ""

    @property
    def title(self) -> str:
        """The name; the code where none is known."""
        return self.name or self.code


def check_classes(classes: Sequence[SignClass]) -> None:
    """Check that codes and ids are unique and that twins point at each other.

    Raises:
        InputError: They do not, or there is no class.
    """
    if not classes:
        raise InputError("the catalogue has no class", HOW)
    by_code: dict[str, SignClass] = {}
    for sign in classes:
        if not sign.code or set(sign.code) & _BARRED:
            shown = sign.code if sign.code.isprintable() else ascii(sign.code)[1:-1]
            hint = "use no /, \\ or @, and no line ends or other control characters"
            raise InputError(f"the class code '{shown}' names no file", hint)
        if sign.code in by_code:
            raise InputError(f"the class '{sign.code}' stands twice", "keep one of them")
        by_code[sign.code] = sign
    check_ids({sign.code: sign.id for sign in classes}, "the catalogue")
    for sign in classes:
        if sign.twin is not None and (
            sign.twin == sign.code
            or sign.twin not in by_code
            or by_code[sign.twin].twin != sign.code
        ):
            raise InputError(
                f"the twin '{sign.twin}' of class '{sign.code}' is not a class that points back",
                "name both as each other's twin, or none",
            )
