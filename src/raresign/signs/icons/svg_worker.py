"""The process that draws SVG: limited in time, memory and files, so that no drawing can harm.

Run as `python -I -S svg_worker.py <folder of resvg_py> [fonts]` by `svg_renderer`. Reads requests
(side, seconds, length, then the SVG) and writes answers (0 or 1, length, then a PNG or a message)
until its input ends. A drawing that takes too long is ended by the kernel, with SIGPROF.
"""

from __future__ import annotations

import resource
import signal
import struct
import sys

REQUEST = struct.Struct(">IdI")
ANSWER = struct.Struct(">BI")
MAX_MEMORY = 1 << 30
FAMILY = "Source Sans Pro"
"""Stands for every font that a drawing names."""
DPI = 96.0
"""Dots of CSS in an inch: without it resvg has none, and a stroke of 2 pt or 1 mm is nothing."""


def _serve() -> None:
    """Answer requests until the input ends."""
    sys.path.append(sys.argv[1])
    import resvg_py

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to decide on
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Only the three open pipes: whatever a drawing refers to, no further file can be opened, save
    # one font at a time where text is drawn.
    fonts = sys.argv[2:]
    most = 3 + bool(fonts)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    family = FAMILY if fonts else None
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        side, seconds, length = REQUEST.unpack(head)
        text = requests.read(length).decode()
        failed, content = 0, b""
        signal.setitimer(signal.ITIMER_PROF, seconds)  # counts time on the processor, not waiting
        try:
            # With both sides given, resvg fits the drawing into the box and keeps its aspect.
            content = bytes(
                resvg_py.svg_to_bytes(
                    svg_string=text,
                    width=side,
                    height=side,
                    skip_system_fonts=True,
                    dpi=DPI,
                    font_files=fonts or None,
                    font_family=family,
                    serif_family=family,
                    sans_serif_family=family,
                    cursive_family=family,
                    fantasy_family=family,
                    monospace_family=family,
                )
            )
        except BaseException as error:  # a panic in Rust is no Exception
            failed, content = 1, str(error).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(ANSWER.pack(failed, len(content)) + content)
        answers.flush()


if __name__ == "__main__":
    _serve()
