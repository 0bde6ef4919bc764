"""Pages of the documentation taken apart: fenced blocks, commands in the text, what is skipped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"sh", "python", "yaml", "json", "text", "csv", ""}

_FENCE = re.compile(r"^```(\w*)[ \t]*\n(.*?)^```[ \t]*$", re.M | re.S)
_SKIP = re.compile(r"<!-- skip: (.+?) -->\s*\Z", re.S)
_INLINE = re.compile(r"`(raresign [a-z][^`]*)`")
_FILE = re.compile(r"# ([\w.-]+\.(?:yaml|csv|svg))\b")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        page: Its file.
        line: Where it begins.
        language: What stands behind the fence.
        text: The content.
        skip: Why it is not run; None if it is.
    """

    page: Path
    line: int
    language: str
    text: str
    skip: str | None

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name in a first line such as `# my.yaml`: the block is that file."""
        found = _FILE.match(self.text)
        return found[1] if found else None

    @property
    def commands(self) -> list[str]:
        """Lines of a shell block without comments; a line that ends in a backslash goes on."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [
            line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")
        ]


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in _FENCE.finditer(text):
        before = text[: fence.start()]
        skip = _SKIP.search(before.rstrip("\n"))
        line = before.count("\n") + 1
        found.append(Block(page, line, fence[1], fence[2], skip[1] if skip else None))
    return found


def inline_commands(page: Path) -> list[str]:
    """Every `raresign ...` in code marks outside the blocks."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [" ".join(command.split()) for command in _INLINE.findall(text)]
