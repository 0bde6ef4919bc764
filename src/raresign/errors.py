"""What ends a command early: a wrong input, or Ctrl-C."""

from __future__ import annotations

from pathlib import Path

_MOST_CHARACTERS = 4000


class InputError(ValueError):
    """A wrong input: the message shows the input, says what is wrong and what to do.

    The command line prints it without a traceback and exits with code 2.

    Args:
        problem: What is wrong, with the offending input in it.
        hint: What the user can do about it.

    Example:
        >>> raise InputError("type of class '1.1' is 'common'", "use freq or rare")
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: type of class '1.1' is 'common'; use freq or rare
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        problem, hint = _short(problem), _short(hint)
        super().__init__(f"{problem}; {hint}" if hint else problem)
        self.problem = problem
        self.hint = hint


def missing_library(error: ModuleNotFoundError, wanted: str, extra: str = "train") -> InputError:
    """What to install, where only what answers is installed.

    Args:
        error: What the import of the library raised.
        wanted: What needs it.
        extra: What of this package brings the library.

    Example:
        >>> print(missing_library(ModuleNotFoundError(name="torch"), "raresign train"))
        raresign train needs torch, which is not installed; pip install "raresign[train]"
    """
    name = (error.name or "").partition(".")[0]
    return InputError(
        f"{wanted} needs {name}, which is not installed" if name else f"{wanted}: {error}",
        f'pip install "raresign[{extra}]"',
    )


def _short(text: str) -> str:
    """A text of a few lines at most: what was wrong may be very long, and stands in it."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    return f"{text[:half]} ... {text[-half:]}"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C was pressed; a checkpoint was kept.

    Args:
        checkpoint: Where training goes on from.
    """

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(f"interrupted; the checkpoint is {checkpoint}")
        self.checkpoint = checkpoint
