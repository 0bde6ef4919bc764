"""A model in each of its forms side by side, as `raresign bench runtime` measures them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from raresign.cli.tables import percent

_FORMS = (
    *("torch", "torch_compiled", "fp32", "fp16", "int8"),
    *("openvino_fp32", "openvino_fp16", "openvino_int8"),
)
_TITLE = "Answers beside those of the net in torch; crops a second on 1 and 2 cores, median"


def deployed_table(figures: Mapping[str, Any]) -> tuple[Table | None, dict[str, Any]]:
    """One row for each form (no table without one), and the figures left over."""
    rest = {name: value for name, value in figures.items() if not _is_row(name)}
    table = Table(title=_TITLE, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("form", no_wrap=True)
    heads = ("same %", "largest gap", "rare %", "freq %", "ECE %", "MB", "1 core", "x", "2 cores")
    for head in heads:
        table.add_column(head, justify="right")
    for form in _FORMS:
        found = {
            name.removeprefix(f"runtime.{form}."): value
            for name, value in figures.items()
            if name.startswith(f"runtime.{form}.")
        }
        if not found:
            continue
        one, two = (found.get(f"crops_per_second_{cores}") for cores in (1, 2))
        base = figures.get("runtime.torch.crops_per_second_1")
        table.add_row(
            form.replace("_", " "),
            percent(found.get("same_answers")),
            _shown(found.get("largest_difference"), "{:.1e}"),
            *(_recall(found, group) for group in ("rare", "freq")),
            percent(found.get("ece")),
            _shown(found.get("mb"), "{:.1f}"),
            _shown(one, "{:,.0f}"),
            _shown(one / base if one and base else None, "{:.1f}"),
            _shown(two, "{:,.0f}"),
        )
    return (table if table.row_count else None), rest


def _is_row(name: str) -> bool:
    return any(name.startswith(f"runtime.{form}.") for form in _FORMS)


def _recall(found: Mapping[str, Any], group: str) -> str:
    """A recall with its interval; a dash where there is no crop."""
    value = found.get(group)
    if value is None or value != value:
        return "-"
    low, high = (percent(found[f"{group}_{end}"]) for end in ("low", "high"))
    return f"{percent(value)} ({low} - {high})"


def _shown(value: float | None, how: str) -> str:
    return "-" if value is None else how.format(value)
