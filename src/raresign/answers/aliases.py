"""New codes for old ones: cities renumber their catalogues, and a model keeps those it learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from raresign.answers.answer import Answer, FileAnswer


@dataclass(frozen=True)
class Aliases:
    """A table of old code -> new code.

    Two old codes may become one: their probabilities are added, where both are among the answers.

    Example:
        >>> ring = Answer("2.5", "Stop", 0.5, "ring"), Answer("2.6", "Halt", 0.25, "ring")
        >>> renamed = Aliases({"2.5": "206", "2.6": "206"}).renamed(FileAnswer("a.png", ring))
        >>> [(one.code, one.name, one.probability) for one in renamed.answers]
        [('206', 'Stop', 0.75)]
    """

    codes: Mapping[str, str]

    def renamed(self, answer: FileAnswer) -> FileAnswer:
        """The answer in new codes; the class that is named stays the first."""
        merged: dict[str, Answer] = {}
        for one in map(self._new, answer.answers):
            before = merged.get(one.code)
            merged[one.code] = (
                one
                if before is None
                else replace(before, probability=min(1.0, before.probability + one.probability))
            )
        first, *rest = merged.values() if merged else [None]
        rest.sort(key=lambda one: -one.probability if one else 0)
        found = tuple(one for one in (first, *rest) if one is not None)
        left = answer.excluded
        return replace(answer, answers=found, excluded=self._new(left) if left else None)

    def _new(self, one: Answer) -> Answer:
        """A class by its new code; a name that is only the old code becomes the new one."""
        code = self.codes.get(one.code, one.code)
        return replace(one, code=code, name=code if one.name == one.code else one.name)
