"""Collects the messages that people read into `ru.po` and compiles `ru.mo`.

Run it after a change of such a message, translate what it names in `ru.po`, and run it again:

    python tools/translations.py

Messages are marked in the code with `_`, `ngettext`, `pgettext` and `later`, in the report's
templates with `_` and `ngettext`; help texts of the command line count whole, a message a
paragraph.
"""

from __future__ import annotations

import ast
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from inspect import cleandoc
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import extract_from_ast

SOURCE = Path(__file__).parents[1] / "src" / "raresign"
PO, MO = SOURCE / "language" / "ru.po", SOURCE / "language" / "ru.mo"
HEADER = """\
Language: ru
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 \
&& (n%100<10 || n%100>=20) ? 1 : 2);
"""
FORMS = 3
MARKS = ("_", "ngettext", "pgettext", "later")
BETWEEN = "\4"
"""What gettext puts between the context of a message and the message."""
ENGLISH = ("protocol", "synth", "bench", "serve")
"""Commands of engineers: of their help pages the first paragraph alone is translated."""

_PLACE = re.compile(r"\{(\w*)[^{}]*\}")


@dataclass
class Message:
    """One message: where it stands, its plural ("" = none) and its translations.

    `one` begins with a context and `BETWEEN` where the message has a context.
    """

    one: str
    many: str = ""
    places: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every form of it is translated."""
        return len(self.said) == (FORMS if self.many else 1) and all(self.said)


def collected() -> dict[str, Message]:
    """All messages of the source, by their English text."""
    found: dict[str, Message] = {}
    for place, one, many in (*_of_code(), *_of_templates(), *_of_help()):
        message = found.setdefault(one, Message(one))
        message.many = message.many or many
        if place not in message.places:
            message.places.append(place)
    return found


def _of_code() -> Iterator[tuple[str, str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if node.func.id == "pgettext" and len(texts) == 2:
                yield _place(path), BETWEEN.join(texts), ""
            elif node.func.id in MARKS and texts and isinstance(texts[0], str):
                yield _place(path), texts[0], texts[1] if node.func.id == "ngettext" else ""


def _of_templates() -> Iterator[tuple[str, str, str]]:
    reader = Environment()
    for path in sorted(SOURCE.rglob("*.html.j2")):
        tree = reader.parse(path.read_text(encoding="utf-8"))
        for _line, name, texts in extract_from_ast(tree, MARKS, babel_style=False):
            one, *more = texts if isinstance(texts, tuple) else (texts,)
            if one is not None:  # None: not a plain text, and marked elsewhere
                yield _place(path), one, more[0] if name == "ngettext" else ""


def _of_help() -> Iterator[tuple[str, str, str]]:
    from typer.main import get_command

    from raresign.cli.app import app

    program = get_command(app)
    for name, command in (("", program), *program.commands.items()):
        texts = [command.help, command.epilog, *(param.help for param in command.params)]
        if name in ENGLISH:
            texts = [command.short_help]
        for text in filter(None, texts):
            for paragraph in cleandoc(text).split("\n\n"):
                yield f"raresign {name} --help".replace("  ", " "), " ".join(paragraph.split()), ""


def _place(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def read_po(path: Path = PO) -> dict[str, Message]:
    """The messages of a .po file, without its header."""
    found: dict[str, Message] = {}
    blocks = path.read_text(encoding="utf-8").split("\n\n") if path.exists() else []
    for block in blocks:
        parts: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line and not line.startswith("#"):
                if not line.startswith('"'):
                    key, line = line.split(" ", 1)
                parts[key] = parts.get(key, "") + ast.literal_eval(line)
        if parts.get("msgid"):
            said = [text for name, text in parts.items() if name.startswith("msgstr")]
            one = BETWEEN.join([*filter(None, [parts.get("msgctxt")]), parts["msgid"]])
            found[one] = Message(one, parts.get("msgid_plural", ""), said=said)
    return found


def write_po(messages: dict[str, Message], path: Path = PO) -> None:
    """Write messages by where they stand."""
    blocks = [f'msgid ""\nmsgstr {_quoted(HEADER)}']
    for message in sorted(messages.values(), key=lambda one: one.places[0]):
        lines = [f"#: {place}" for place in message.places[:3]]
        context, between, one = message.one.rpartition(BETWEEN)
        if between:
            lines.append(f"msgctxt {_quoted(context)}")
        lines.append(f"msgid {_quoted(one)}")
        if message.many:
            lines.append(f"msgid_plural {_quoted(message.many)}")
        said = message.said or [""] * (FORMS if message.many else 1)
        for number, text in enumerate(said):
            key = f"msgstr[{number}]" if message.many else "msgstr"
            lines.append(f"{key} {_quoted(text)}")
        blocks.append("\n".join(lines))
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    lines = escaped.splitlines(keepends=True)
    quoted = [f'"{line}"'.replace("\n", "\\n") for line in lines]
    return "\n".join(['""', *quoted]) if len(lines) > 1 else (quoted or ['""'])[0]


def compiled(messages: dict[str, Message]) -> bytes:
    """The .mo file of messages: GNU gettext's tables of sorted texts, without a hash table."""
    texts = {"": HEADER}
    for one in messages.values():
        if one.is_whole:
            texts["\0".join(filter(None, (one.one, one.many)))] = "\0".join(one.said)
    pairs = sorted((key.encode(), said.encode()) for key, said in texts.items())
    count, start = len(pairs), 28
    place = start + 16 * count
    tables: list[bytes] = []
    body = b""
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[column]), place + len(body)))
            body += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, count, start, start + 8 * count, 0, place)
    return head + b"".join(tables) + body


def problems(messages: dict[str, Message]) -> list[str]:
    """What is wrong with translations: none, or other places to fill than the English has."""
    found = [f"not translated: {one.one}" for one in messages.values() if not one.is_whole]
    for one in messages.values():
        wanted = {*_PLACE.findall(one.one), *_PLACE.findall(one.many)}
        for said in one.said:
            if said and {*_PLACE.findall(said)} != wanted:
                found.append(f"{said}: fills other places than {one.one}")
    return found


def main() -> int:
    """Bring ru.po up to date, compile it, and name what is to be translated."""
    messages, known = collected(), read_po()
    for key, message in messages.items():
        if key in known and known[key].many == message.many:
            message.said = known[key].said
    write_po(messages)
    MO.write_bytes(compiled(messages))
    wrong = problems(messages)
    print("\n".join([*wrong, f"{len(messages)} messages, {len(wrong)} problems: {PO}"]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
