"""`raresign catalogue`: classes, icons, counts of crops, and what is missing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raresign.commands.data_folder import NO_CROPS, open_data
from raresign.commands.progress import Say, silent
from raresign.crops.framing_facts import framing_of_files
from raresign.language.spoken import _, later
from raresign.realism.folds import even_sample
from raresign.signs.catalogue.icon_detail import ENOUGH_SIDE, unclear_pairs

_FRAMED = 200
"""Real crops whose framing is looked at."""
_MOST_PAIRS = 10


@dataclass(frozen=True)
class ClassRow:
    """One class of a data folder, as a user wants to see it."""

    code: str
    id: int
    name: str
    type: str
    family: str
    twin: str | None
    icons: int
    training_crops: int
    test_crops: int
    missing: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def catalogue_rows(
    data: str | Path,
    crops: str | Path | None = None,
    layout: str = "auto",
    icons: str | Path | None = None,
    country: str | None = None,
    say: Say = silent,
    *,
    svg_text: bool = False,
) -> list[ClassRow]:
    """One row a class, in label order. See `open_data`.

    `say` is told the country, and why, how real crops are framed, which values cannot be, and which
    icons are too small to tell two classes apart.

    Raises:
        InputError: The catalogue or the crops cannot be read.
    """
    source = open_data(data, crops, layout, icons=icons, country=country, svg_text=svg_text)
    say(str(source.choice))
    say(str(source.layout))
    for reason, count in source.left_out.items():
        say(_("left out: {n} {what}").format(n=count, what=reason))
    if len(source.training):
        chosen = even_sample(source.training.labels, _FRAMED).tolist()
        framed = framing_of_files(source.training, chosen)
        say(_("framing: {how}").format(how=framed.spoken if framed else _("no crop can be read")))
    pairs = unclear_pairs(source.catalogue.classes)
    problems = [*source.value_problems(), *map(str, pairs[:_MOST_PAIRS])]
    for problem in problems:
        say(_("warning: {problem}").format(problem=problem))
    if pairs:
        rest = len(pairs) - _MOST_PAIRS
        more = _("{n} more such pairs; ").format(n=rest) if rest > 0 else ""
        wanted = _("larger icons are wanted: {side} px at least, better 128, or SVG")
        say(more + wanted.format(side=ENOUGH_SIDE))
    test = source.test or NO_CROPS
    rows = []
    for label, sign in enumerate(source.catalogue.classes):
        real, tested = (int((t.labels == label).sum()) for t in (source.training, test))
        lacks_real = sign.type == "freq" and not real
        lacks_test = source.test is not None and not tested
        missing = [later("real crops")] * lacks_real + [later("test crops")] * lacks_test
        facts = (sign.code, sign.id, sign.title, sign.type, sign.family, sign.twin)
        rows.append(ClassRow(*facts, len(sign.icons), real, tested, ", ".join(missing)))
    return rows
