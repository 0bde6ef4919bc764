"""Draws checked SVG with resvg in helper processes that a bad drawing cannot hang or crash."""

from __future__ import annotations

import atexit
import io
import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from raresign.errors import InputError
from raresign.signs.icons import svg_worker
from raresign.signs.icons.lettering import font_files

MAX_SIDE = 4096
MAX_SECONDS = 1.0  # of processor time; a sign takes 0.005
_PIXELS_A_SECOND = 1024 * 1024  # drawings above this size get more time


class _Worker:
    """One drawing process and the two pipes to it.

    Args:
        fonts: Whether it draws text; it may open one more file then, a font.
    """

    def __init__(self, fonts: bool) -> None:
        spec = find_spec("resvg_py")
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError("resvg_py is not installed; pip install resvg-py")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", svg_worker.__file__),
                str(Path(spec.origin).parents[1]),
                *(font_files() if fonts else ()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipes = self._process.stdin, self._process.stdout

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def draw(self, svg: bytes, side: int, seconds: float) -> tuple[bool, bytes] | None:
        """Whether it failed, and the PNG or the message; None if the process died of it."""
        requests, answers = self._pipes
        head = b""
        try:
            requests.write(svg_worker.REQUEST.pack(side, seconds, len(svg)) + svg)
            requests.flush()
            head = answers.read(svg_worker.ANSWER.size)
        except BrokenPipeError:
            return None
        if len(head) < svg_worker.ANSWER.size:
            return None
        failed, length = svg_worker.ANSWER.unpack(head)
        return bool(failed), answers.read(length)

    def end(self) -> int:
        """Let the process end; its exit status, negative for a signal."""
        with suppress(BrokenPipeError):
            self._pipes[0].close()
        self._pipes[1].close()
        return self._process.wait()


# Processes at rest, with and without fonts; threads that draw at once take one each. list.pop and
# list.append are atomic.
_resting: dict[bool, list[_Worker]] = {False: [], True: []}
for _idle in _resting.values():
    os.register_at_fork(after_in_child=_idle.clear)


@atexit.register
def _end_all() -> None:
    """No process outlives the interpreter."""
    for idle in _resting.values():
        while idle:
            idle.pop().end()


def draw_svg(svg: bytes, side: int, source: str, text: bool = False) -> Image.Image:
    """Draw an SVG, fitted into a square.

    Args:
        svg: UTF-8 SVG that `svg_guard.read_svg` has passed.
        side: Side of the square in pixels; the longer side of the picture is as long.
        source: What a message calls the drawing.
        text: Whether it holds text, which is drawn in Source Sans.

    Returns:
        Straight-alpha RGBA.

    Raises:
        InputError: It is no proper SVG, or needs more than a second (of processor time, up to
            1024 px), or more than 1 GiB of memory.
    """
    side = min(side, MAX_SIDE)
    seconds = max(1.0, side * side / _PIXELS_A_SECOND) * MAX_SECONDS
    for _try in range(2):  # the first process may have been killed by another hand
        worker = _take(text)
        answer = worker.draw(svg, side, seconds)
        late = answer is None and worker.end() == -signal.SIGPROF
        if answer is not None or late:
            break
    if answer is None:
        why = f"takes more than {seconds:g} s to draw" if late else "crashes the renderer"
        raise InputError(
            f"{source}: this SVG {why}", "simplify it: fewer shapes, filters, masks and patterns"
        )
    _resting[text].append(worker)
    failed, content = answer
    if failed:
        raise InputError(
            f"{source} is a broken SVG: {content.decode(errors='replace')}", "export it again"
        )
    picture: Image.Image = Image.open(io.BytesIO(content), formats=("PNG",))
    return picture.convert("RGBA")


def _take(fonts: bool) -> _Worker:
    """A living process: one at rest, or a new one."""
    idle = _resting[fonts]
    while idle:
        try:
            worker = idle.pop()
        except IndexError:  # another thread was faster
            break
        if worker.is_alive():
            return worker
        worker.end()
    return _Worker(fonts)
