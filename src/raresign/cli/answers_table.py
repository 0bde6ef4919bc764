"""The table of `raresign predict`: the first answers, and how many there are of each kind."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Column, Table

import raresign
from raresign.cli.printing import Console
from raresign.cli.tables import percent
from raresign.language.spoken import _, ngettext

_ERRORS = 10  # broken files that are shown beside the first rows


class AnswersTable:
    """Counts answers as they come and keeps the rows that are shown, and no others.

    Args:
        most: Rows to show at most, and a few broken files beside them; None shows all.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.shown: list[Any] = []
        self._more_errors = 0
        self.count = self.broken = self._named = self._doubtful = self._none = self._more = 0
        self.first_broken: Any = None

    def add(self, one: Any) -> None:
        """One more `FileAnswer`."""
        first = self._most is None or self.count < self._most
        self.count += 1
        if one.error:
            self.broken += 1
            self.first_broken = self.first_broken or one
            if not first and self._more_errors < _ERRORS:
                self._more_errors += 1
                self.shown.append(one)
        elif one.named:
            self._named += 1
            self._doubtful += one.check_me
        else:
            self._none += one.level == "none"
            self._more += bool(one.answers) and one.answers[0].probability >= raresign.SURE
        if first:
            self.shown.append(one)

    def print_to(self, console: Console, rule: Any, written: bool = False) -> None:
        """A row a crop, then how many are named, unknown, without a sign and broken.

        A guess of a crop that is not named bears no probability: that it is named none says that
        the model is not sure of it, however the classes compare with each other.

        Args:
            console: Where.
            rule: Tells when the model says "unknown"; None if it never does.
            written: Whether all of them stand in a file.
        """
        folded = [Column(name, overflow="fold") for name in (_("file"), _("answer"), _("perhaps"))]
        table = Table(*folded[:2], Column(_("sure %"), justify="right", no_wrap=True), folded[2])
        for one in self.shown:
            where = "" if one.box is None else " " + ",".join(f"{side:.0f}" for side in one.box)
            file = escape(f"{one.path}{where}")
            if one.error:
                problem = _("error: {problem}").format(problem=_(one.error))
                table.add_row(file, f"[red]{escape(problem)}[/red]", "", "")
                continue
            sure = one.named.probability if one.named else None
            guesses = one.answers if not one.named else one.answers[1:] if one.check_me else ()
            listed = ", ".join(guess.spoken for guess in guesses)
            perhaps = _("perhaps {signs}").format(signs=listed) if guesses else ""
            if one.excluded is not None:
                left = _("looks like {sign}, not allowed").format(sign=one.excluded.spoken)
                perhaps = "; ".join(filter(None, (perhaps, left)))
            said = escape(one.spoken)
            table.add_row(file, said, "" if sure is None else percent(sure), escape(perhaps))
        console.print(table)
        self._summary(console, rule, 0 if written else self.count - len(self.shown))

    def _summary(self, console: Console, rule: Any, hidden: int) -> None:
        """How many crops are named, and how to name more."""

        def tell(words: str) -> None:
            console.print(words, highlight=False, soft_wrap=True, markup=False)

        crops = self.count - self.broken
        if self.count > 1:
            parts = [_("{n} named").format(n=self._named)]
            if self._doubtful:
                less = _("{n} of them with less than {sure:g} %").format(
                    n=self._doubtful, sure=100 * raresign.SURE
                )
                parts[0] += f" ({less})"
            parts.append(_("{n} unknown").format(n=crops - self._named - self._none))
            parts.append(_("{n} no sign").format(n=self._none))
            if self.broken:
                parts.append(_("{n} not readable").format(n=self.broken))
            every = ngettext("{n} crop", "{n} crops", self.count).format(n=self.count)
            tell(f"{every}: {', '.join(parts)}")
        if hidden:
            tell(
                _("{n} more are not shown: --all shows them, --out answers.csv writes them").format(
                    n=hidden
                )
            )
        if rule and 2 * self._named < crops:
            tell(
                _(
                    "{named} of {crops} crops are answered with a class: the run answers so "
                    "only where at most {error:g} % of such answers are wrong (on the "
                    "crops that its rule was fitted on). --accept {accept:g} names "
                    "{more} more, whose first guess has {sure:g} % among the known signs; "
                    "--always-name names all"
                ).format(
                    named=self._named,
                    crops=crops,
                    error=100 * rule.accepted_error,
                    accept=raresign.SURE,
                    more=self._more,
                    sure=100 * raresign.SURE,
                )
            )
