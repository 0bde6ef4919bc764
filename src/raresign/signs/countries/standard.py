"""A country's signs: classes, drawings, variants; the drawing of a class by its code."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from raresign.errors import InputError
from raresign.signs.class_type import SignType
from raresign.signs.drawing.compose import draw
from raresign.signs.drawing.parts import Frame, Sign, Text
from raresign.signs.values import code_values

_VALUE = re.compile(r"\.(?:[nr]\d*(?:\.\d+)?|t\d{4}-\d{4})(?=\.|$)", re.ASCII)


@dataclass(frozen=True, eq=False)
class Standard:
    """The signs of one country.

    Args:
        name: As on the command line.
        country: ISO code of the country whose signs they are.
        title: For people.
        frames: Sign faces by name.
        signs: Drawings by base code: "3.24" draws every speed limit.
        classes: The classes of its catalogue: code -> (id, type), in their order.
        variants: Other looks of a sign: base code -> variant -> drawing.
        values: What a sign whose code names no value is seen with on the road, commonest first,
            as endings of codes ("n90").

    Example:
        >>> from raresign.signs.countries.registry import standard
        >>> GOST = standard("gost")
        >>> len(GOST.classes), GOST.base_of("3.24.n5.5"), GOST.size("4.1.1")
        (205, '3.24', (0.7, 0.7))
        >>> GOST.draws("3.24.n55"), GOST.draws("274-55"), GOST.takes_values("2.1")
        (True, False, False)
    """

    name: str
    country: str
    title: str
    frames: Mapping[str, Frame]
    signs: Mapping[str, Sign]
    classes: Mapping[str, tuple[int, SignType]]
    variants: Mapping[str, Mapping[str, Sign]]
    values: Mapping[str, tuple[str, ...]]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its classes."""
        return tuple(self.classes)

    def base_of(self, code: str) -> str:
        """The code of the drawing that shows a class: "3.24" of "3.24.n60".

        Raises:
            InputError: There is no such drawing; the hint names similar codes.
        """
        base = self._drawing_of(code)
        if base is None:
            known = dict.fromkeys([*self.signs, *self.classes])
            near = difflib.get_close_matches(code, known, n=4, cutoff=0.5)
            hint = (
                f"near ones are {', '.join(near)}"
                if near
                else f"raresign catalogue {self.name} lists all"
            )
            raise InputError(f"{self.name} has no sign with the code {code!r}", hint)
        return base

    def draws(self, code: str) -> bool:
        """Whether there is a drawing of a class code."""
        if self._drawing_of(code) is None:  # whose message would look for similar codes
            return False
        try:
            self.svg(code)
        except InputError:
            return False
        return True

    def _drawing_of(self, code: str) -> str | None:
        if code in self.signs:
            return code
        value = _VALUE.search(code)
        base = code[: value.start()] if value else code
        return base if base in self.signs else None

    def svg(self, code: str, variant: str = "", present: Collection[str] = ()) -> str:
        """The drawing of a class: one SVG of shapes, no text, nothing from outside.

        Args:
            code: Any value will do: "3.24.n5.5", "3.13.r2.9", "8.5.4.t0800-2000". A code without
                value shows the commonest value that is no class of its own.
            variant: One of `variants_of(code)`, or "" for the main drawing.
            present: The codes of all classes.

        Raises:
            InputError: No such sign or variant, or the value is not written as it should be.
        """
        base = self.base_of(code)
        values = code_values(code, base)
        self._check_shown(base, code, values)
        if not values and (endings := self._endings(base, present)):
            ending = variant if variant in endings else endings[0]
            variant = "" if variant == ending else variant
            values = code_values(f"{base}.{ending}", base)
        looks = {"": self.signs[base], **self.variants.get(base, {})}
        if variant not in looks:
            names = ", ".join(self.variants_of(code, present))
            hint = f"use one of {names}" if names else "this class has no variants"
            raise InputError(f"the sign {code!r} has no variant {variant!r}", hint)
        return draw(looks[variant], self.frames, self.signs.__getitem__, values)

    def variants_of(self, code: str, present: Collection[str] = ()) -> tuple[str, ...]:
        """Other looks that the road gives a class, but those that are among the classes `present`.

        Raises:
            InputError: No such sign, or the value is not written as it should be.

        Example:
            >>> from raresign.signs.countries.registry import standard
            >>> GOST = standard("gost")
            >>> GOST.variants_of("4.1.2"), GOST.variants_of("4.1.2", {"4.1.2", "4.1.2.1"})
            (('plain',), ())
        """
        base = self.base_of(code)
        taken = {self.signs[other] for other in present if other in self.signs}
        looks = [name for name, sign in self.variants.get(base, {}).items() if sign not in taken]
        valued = bool(code_values(code, base))
        return (*(() if valued else self._endings(base, present)[1:]), *looks)

    def takes_values(self, code: str) -> bool:
        """Whether a value may follow the code of its drawing."""
        return bool(self._slots(self.base_of(code)))

    def size(self, code: str) -> tuple[float, float]:
        """Width and height of the drawing in metres, as it hangs on a road of category II.

        Raises:
            InputError: No such sign.
        """
        frame = self.frames[self.signs[self.base_of(code)].frame]
        return frame.width / 1000, frame.height / 1000

    def _check_shown(self, base: str, code: str, values: Mapping[str, str]) -> None:
        """Every value of a code has its place on the drawing, and every place its value."""
        wanted = {name for layer in self._slots(base) for name in layer.names()}
        if code != base and not wanted:
            raise InputError(f"the sign {base!r} shows no value, {code!r} has one", f"use {base}")
        shown = len(values) - ("value" in values)
        if values and (wanted - set(values) or shown > max(len(wanted), 1)):
            example = self.values.get(base, ("n5",))[0]
            raise InputError(f"{code!r} has no value that fits {base}", f"as in {base}.{example}")

    def _slots(self, base: str) -> list[Text]:
        """Lettering that values fill."""
        layers = self.signs[base].layers
        return [layer for layer in layers if isinstance(layer, Text) and layer.names()]

    def _endings(self, base: str, present: Collection[str]) -> tuple[str, ...]:
        """Values that a sign without a named value is seen with."""
        endings = self.values.get(base, ())
        of_base = (c for c in present if (v := _VALUE.search(c)) and c[: v.start()] == base)
        taken = {code_values(code, base).get("value") for code in of_base}
        free = (e for e in endings if code_values(f"{base}.{e}", base)["value"] not in taken)
        return tuple(free) or endings
