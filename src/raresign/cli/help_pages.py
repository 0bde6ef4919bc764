"""Help pages in the user's language."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

from typer.core import TyperGroup

from raresign.cli.plain_help import PlainHelp
from raresign.language.spoken import _, asked_language, later, speaking

_ENDS = (later("required"), later("default: "))
later("Show this message and exit.")
_TITLES = {"argument": later("Arguments"), "option": later("Options")}


class _Translated:
    """What English command and group pages have, said in the language that is spoken."""

    def format_usage(self: Any, ctx: Any, formatter: Any) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=f"{_('Usage:')} ")

    def format_help_text(self: Any, ctx: Any, formatter: Any) -> None:
        _translate(self)
        super().format_help_text(ctx, formatter)  # type: ignore[misc]

    def format_epilog(self: Any, ctx: Any, formatter: Any) -> None:
        _translate(self)
        super().format_epilog(ctx, formatter)  # type: ignore[misc]

    def format_options(self: Any, ctx: Any, formatter: Any) -> None:
        for kind, title in _TITLES.items():
            own = [one for one in self.get_params(ctx) if one.param_type_name == kind]
            rows = [_row(one, ctx) for one in own if one.get_help_record(ctx)]
            if rows:
                with formatter.section(_(title)):
                    formatter.write_dl(rows)
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)

    def get_short_help_str(self: Any, limit: int = 45) -> str:
        _translate(self)
        return str(super().get_short_help_str(limit))  # type: ignore[misc]


class TranslatedCommand(_Translated, PlainHelp):
    """A command whose help page is said in the language that is spoken."""


class TranslatedGroup(_Translated, TyperGroup):
    """The program; it speaks the language that its user asks for."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> Any:
        """Run in that language: the page of --help, too, which click shows before anything else."""
        given = sys.argv[1:] if args is None else args
        with speaking(asked_language(given, os.environ)):
            return super().main(args, *rest, **settings)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A line a command."""
        rows = [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        with formatter.section(_("Commands")):
            formatter.write_dl(rows)


def _translate(command: Any) -> None:
    """Say the texts of a command; what is said already is no message, and stays."""
    for name in ("help", "epilog", "short_help"):
        setattr(command, name, _paragraphs(getattr(command, name)))


def _row(param: Any, ctx: Any) -> tuple[str, str]:
    """Name and help of an argument or option; its default and the like come behind."""
    name, text = param.get_help_record(ctx)
    help_ = param.help or ""
    end = text.removeprefix(help_)
    for word in _ENDS:
        end = end.replace(word, _(word))
    return name, _(help_) + end


def _paragraphs(text: str | None) -> str:
    """A text of several paragraphs, each translated where it can be, else as it stands."""
    told = []
    for paragraph in cleandoc(text or "").split("\n\n"):
        whole = " ".join(paragraph.split())
        said = _(whole)
        told.append(paragraph if said == whole else said)
    return "\n\n".join(told)
