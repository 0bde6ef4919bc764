"""Classes are added in a process of its own: the service neither loads torch nor waits for it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import raresign

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Say = Callable[[str], None]
_NICE = 5
"""The process yields to those that answer."""


def add_here(run: str, icon: str, code: str, names: tuple[str, ...], say: Say) -> dict[str, Any]:
    """Add a class to a run, in this process; what is known of it, as plain values.

    Raises:
        InputError: As `raresign.add_class`.
    """
    (told,) = raresign.add_class(run, [icon], [code], say=say, names=names)
    return {key: value for key, value in told.as_dict().items() if key != "sheet"}


class BrokenOffError(Exception):
    """The process has ended before the class was added; the run is as it was."""


class OwnProcess:
    """`add_here` in another process, which stays for the next call until `end`.

    Most of what a class takes is to load torch: whoever adds several pays for it once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def __call__(
        self, run: str, icon: str, code: str, names: tuple[str, ...], say: Say
    ) -> dict[str, Any]:
        """As `add_here`; one call at a time.

        Raises:
            InputError: As `raresign.add_class`.
            OSError: The run cannot be written.
            BrokenOffError: The process was ended, or killed.
            RuntimeError: Anything else that it raised.
        """
        pipe = self._started()
        try:
            pipe.send((run, icon, code, names))
            while True:
                what, told = pipe.recv()
                if what == "say":
                    say(*told)
                elif what == "done":
                    return dict(*told)
                else:
                    raise _ERRORS[what](*told)
        except EOFError:
            raise BrokenOffError from None
        except (BrokenPipeError, ConnectionResetError):
            raise BrokenOffError from None

    def end(self) -> None:
        """End the process, and take torch out of the memory with it."""
        with self._lock:
            if self._process is not None:
                self._process.kill()  # a class is added whole or not at all
                self._process.join()
            self._process = self._pipe = None

    def _started(self) -> Connection:
        with self._lock:
            if self._pipe is None or self._process is None or not self._process.is_alive():
                context = multiprocessing.get_context("spawn")
                self._pipe, theirs = context.Pipe()
                self._process = context.Process(target=_work, args=(theirs,), daemon=True)
                self._process.start()
                theirs.close()
            return self._pipe


_ERRORS: dict[str, Callable[..., Exception]] = {
    "wrong": raresign.InputError,
    "unwritable": OSError,
    "fault": RuntimeError,
}


def _work(pipe: Connection) -> None:
    """Add what is asked for, until nobody can ask any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the service ends us
    if hasattr(os, "nice"):
        os.nice(_NICE)
    with suppress(EOFError, BrokenPipeError):
        while True:
            run, icon, code, names = pipe.recv()
            try:
                told = add_here(run, icon, code, names, lambda text: pipe.send(("say", (text,))))
                pipe.send(("done", (told,)))
            except raresign.InputError as error:
                pipe.send(("wrong", (error.problem, error.hint)))
            except OSError as error:
                pipe.send(("unwritable", (error.errno, error.strerror or str(error))))
            except Exception as error:
                pipe.send(("fault", (repr(error)[:500],)))
