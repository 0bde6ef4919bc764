"""Help in plain words, without the names of Python types and the ends of their ranges."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class PlainHelp(TyperCommand):
    """A command whose usage says `DATA [CODE]...`, not `{data} [codes]...`, and no `<list[Path]>`.

    Newer versions of typer write them with these methods of a parameter; older ones write plain
    words by themselves and never call them.
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        for one in self.params:
            vars(one).update(_get_number_range_help_str=lambda: None)
            if one.param_type_name == "argument":
                usage = _usage(one.metavar or str(one.name).upper(), one.required, one.nargs)
                vars(one).update(
                    display_type_rich=lambda ctx: None, _usage_display_name=lambda text=usage: text
                )


def _usage(word: str, required: bool, number: int) -> str:
    """How an argument stands in the line of usage.

    Example:
        >>> _usage("DATA", True, 1), _usage("CODE", False, -1), _usage("[RUN] FILES...", True, -1)
        ('DATA', '[CODE]...', '[RUN] FILES...')
    """
    text = word if required else f"[{word}]"
    return text if number == 1 or text.endswith("...") else f"{text}..."
