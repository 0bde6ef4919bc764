"""Files that pages load, under names that change with their content, so browsers keep them."""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib import resources
from pathlib import Path

_HERE = Path(__file__).parent / "static"
_KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
STYLE = "studio.css"
"""The style sheet of the report, then what pages add to it."""


class Assets:
    """The files of `static/`, read once.

    Example:
        >>> assets = Assets()
        >>> address = assets.address("studio.css")
        >>> address.startswith("/static/studio.css?v="), assets.read("nothing.js")
        (True, None)
    """

    @cached_property
    def _files(self) -> dict[str, bytes]:
        paths = (path for path in _HERE.rglob("*") if path.suffix in _KINDS)
        found = {path.relative_to(_HERE).as_posix(): path.read_bytes() for path in paths}
        report = resources.files("raresign.report")
        shared = report.joinpath("report.css").read_bytes()
        script = report.joinpath("report.js.j2").read_bytes()
        return found | {STYLE: shared + b"\n" + found[STYLE], "report.js": script}

    @cached_property
    def _marks(self) -> dict[str, str]:
        return {name: hashlib.sha256(read).hexdigest()[:12] for name, read in self._files.items()}

    def address(self, name: str) -> str:
        """Where a page finds a file."""
        return f"/static/{name}?v={self._marks[name]}"

    def read(self, name: str) -> tuple[bytes, str] | None:
        """A file and its media type; None where there is none."""
        content = self._files.get(name)
        return None if content is None else (content, _KINDS[Path(name).suffix])
