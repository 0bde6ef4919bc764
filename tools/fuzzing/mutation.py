"""Spoils inputs: bytes, values of JSON, cells of texts. One number makes one spoiled input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

MOST_BYTES = 1 << 20
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_DEEP = json.loads("[" * 120 + "]" * 120)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, -(2**63), 10**30, 10**400, 0.5, -0.0, 1e308, 1e-320),
    *(float("nan"), float("inf"), -float("inf"), "", " ", ".", "..", "../../etc/passwd", "/"),
    *("/etc/passwd", "a\0b", "a\nb", "a\r\nb", "\u202eab", "\ud800", "\udcff", "a/b", "a\\b"),
    *("x" * 300, "x" * 70_000, "NaN", "1e999", "-1", "\ufeff", "é", "é", "{}", "%00", "%s{x}"),
    *([], {}, [[]], [None], {"": None}, _DEEP, [1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], ["a"] * 4),
)
ODD_TEXTS: tuple[str, ...] = (
    *("", " ", "..", "../../x", "/etc/passwd", "a\0b", "\u202eab", "\ud800", "\udcff", "x" * 300),
    *("x" * 70_000, "nan", "inf", "-inf", "1e308", "1e999", "-1", "0", "9" * 30, "9" * 5000, "0x1"),
    *('"', "'", '""', ";", ",", "\t", "|", "\n", "\r", "\x1b[2J", "=1+1", "1,5", "1.2.3", "#", "*"),
    *("[", "{", "]", "}", "&a", "*a", "!!python/x", "- ", ": ", "---", "<!ENTITY", "&amp;", "&x;"),
    *("<a>", "</a>", "]]>", "١", "²", "１", "true", "null", "~", "2026-99-99", "%00", "url(#a)"),
)


class Mutator:
    """Spoils some good inputs.

    Args:
        seeds: Good inputs, at least one.
        forms: What they are besides bytes: "json", "lines" (of cells); others are bytes alone.
        head: Bytes in front that stay as they are.
    """

    def __init__(self, seeds: Sequence[bytes], forms: Sequence[str] = (), head: int = 0) -> None:
        self.seeds = tuple(seeds)
        self._forms, self._head = tuple(forms), head
        self._values: dict[int, Any] = {}
        self.words = _words(self.seeds)

    def make(self, number: int) -> bytes:
        """The spoiled input of a number, always the same."""
        random = Random(number)
        which = random.randrange(len(self.seeds))
        head, data = self.seeds[which][: self._head], self.seeds[which][self._head :]
        form = random.choice((*self._forms, *self._forms, "bytes"))
        if form == "json":
            data = self._spoiled_json(which, random) or self.spoiled_bytes(data, random)
        elif form == "lines":
            data = _spoiled_lines(data, random)
        if form == "bytes" or random.random() < 0.1:
            data = self.spoiled_bytes(data, random)
        return head + data[:MOST_BYTES]

    def spoiled_bytes(self, data: bytes, random: Random) -> bytes:
        """One to eight changes of bytes."""
        for _ in range(1 + min(random.randrange(8), random.randrange(8))):
            at = random.randrange(len(data) + 1)
            if random.random() < 0.3:  # headers hold most of what is believed
                at = min(at, random.randrange(64))
            data = self._one_change(data, at, random)
        return data

    def _one_change(self, data: bytes, at: int, random: Random) -> bytes:
        what = random.randrange(9)
        wide = random.choice((1, 2, 4, 8))
        if what == 0 and at < len(data):
            return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        if what == 1:
            value = random.choice(_NUMBERS) & (1 << 8 * wide) - 1
            told = value.to_bytes(wide, random.choice(("little", "big")))
            return data[:at] + told + data[at + wide :]
        if what == 2:
            return data[:at] + random.randbytes(wide) + data[at + wide :]
        if what == 3:
            return data[:at] + random.randbytes(random.randrange(1, 9)) + data[at:]
        if what == 4:
            return data[:at] + data[at + random.randrange(1, 2 + len(data) // 4) :]
        if what == 5:
            part = data[at : at + random.randrange(1, 2 + len(data) // 4)]
            return data[:at] + part * random.choice((2, 3, 50 if len(part) < 99 else 2)) + data[at:]
        if what == 6:
            return data[:at]
        if what == 7:
            return data[:at] + random.choice(self.words) + data[at:]
        other = random.choice(self.seeds)
        return data[:at] + other[random.randrange(len(other) + 1) :]

    def _spoiled_json(self, which: int, random: Random) -> bytes:
        """Another value, name or shape somewhere in a JSON text; nothing of another file."""
        if which not in self._values:
            self._values[which] = _json_of(self.seeds[which][self._head :])
        if self._values[which] is None:
            return b""
        value = spoiled_value(self._values[which], random)
        if random.random() < 0.3:
            value = spoiled_value(value, random)
        text = json.dumps(value, ensure_ascii=random.random() < 0.5)
        return text.encode("utf-8", "surrogatepass")


def spoiled_value(value: Any, random: Random) -> Any:
    """A copy of a JSON value in which one place is another."""
    if not isinstance(value, (dict, list)) or not value or random.random() < 0.08:
        return random.choice(ODD_VALUES)
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = random.choice(keys)
    if isinstance(value, dict):
        return _spoiled_object(value, key, random)
    what, made = random.randrange(7), list(value)
    if what == 0:
        del made[key]
    elif what == 1:
        made.insert(key, made[random.choice(keys)])
    elif what == 2:
        made.insert(key, random.choice(ODD_VALUES))
    else:
        made[key] = spoiled_value(made[key], random)
    return made


def _spoiled_object(value: dict[str, Any], key: str, random: Random) -> dict[str, Any]:
    what, made = random.randrange(10), dict(value)
    if what == 0:
        del made[key]
    elif what == 1:
        made[random.choice([one for one in ODD_VALUES if isinstance(one, str)])] = made[key]
    elif what == 2:
        made[key] = made[random.choice(list(made))]
    elif what == 3:
        made[key] = [made[key]]
    else:
        made[key] = spoiled_value(made[key], random)
    return made


def _json_of(seed: bytes) -> Any:
    """The value of a text, or of its first line; None of another file."""
    for text in (seed, seed.partition(b"\n")[0]):
        try:
            return json.loads(text)
        except ValueError:
            continue
    return None


def _spoiled_lines(data: bytes, random: Random) -> bytes:
    """Other cells, lines or separators in a text."""
    lines = data.decode("utf-8", "replace").split("\n")
    for _ in range(1 + min(random.randrange(4), random.randrange(4))):
        at = random.randrange(len(lines))
        what = random.randrange(8)
        if what == 0:
            lines.insert(at, lines[random.randrange(len(lines))])
        elif what == 1 and len(lines) > 1:
            del lines[at]
        elif what == 2:
            lines[at] += random.choice(ODD_TEXTS)
        else:
            lines[at] = _spoiled_line(lines[at], random)
    text = random.choice(("\n", "\n", "\n", "\r\n", "\r")).join(lines)
    encoding = random.choice(("utf-8",) * 12 + ("utf-8-sig", "utf-16", "cp1251"))
    return text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")


def _spoiled_line(line: str, random: Random) -> str:
    marks = [mark for mark in ",;\t|: =<>\"'" if mark in line]
    if not marks:
        return random.choice(ODD_TEXTS)
    mark = random.choice(marks)
    cells = line.split(mark)
    at = random.randrange(len(cells))
    what = random.randrange(8)
    if what == 0:
        del cells[at]
    elif what == 1:
        cells.insert(at, random.choice(ODD_TEXTS))
    elif what == 2:
        cells[at] = cells[random.randrange(len(cells))]
    elif what == 3:
        mark = random.choice(",;\t| ")
    else:
        cells[at] = random.choice(ODD_TEXTS)
    return mark.join(cells)


def _words(seeds: Sequence[bytes]) -> tuple[bytes, ...]:
    """What is put in between: odd texts, and pieces of the seeds."""
    random = Random(0)
    pieces = []
    for seed in seeds:
        for _ in range(8):
            at = random.randrange(len(seed) + 1)
            pieces.append(seed[at : at + random.choice((2, 4, 8, 16))])
    odd = [text.encode("utf-8", "surrogatepass") for text in ODD_TEXTS if len(text) < 400]
    return (*odd, *pieces, b"\xff\xfe", b"\0", b"PK\3\4", b"\x89PNG\r\n\x1a\n", b"II*\0")
