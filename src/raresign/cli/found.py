"""`raresign find`: crops of one class among many that nobody labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import raresign
from raresign.cli.options import Address, Engine, Json, cluster_of
from raresign.cli.printing import Console
from raresign.cli.tables import error_console, output, print_json
from raresign.language.spoken import _, ngettext

_ORDERS = ("best", "informative")
_SHOWN = 20  # rows of a table beside a file
_REASONS = 3


def find(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, bundle, or built-in.")],
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Crops that nobody labelled, in it or in folders below."
        ),
    ],
    code: Annotated[str, typer.Argument(metavar="CODE", help="The class to look for.")],
    most: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="Candidates to show.")] = 50,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a row a candidate: .csv, .xlsx or .jsonl."),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="FOLDER holds whole frames; this says where their signs are, as for predict.",
        ),
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            metavar="|".join(_ORDERS),
            help="Best first, or first those of which the model cannot decide.",
        ),
    ] = "best",
    index: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the index lies; in the cache unless given."),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the index of another model anew.")
    ] = False,
    engine: Engine = "local",
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Find the crops of one class in a folder of crops that nobody labelled, best first.

    The folder is indexed first: once, then only what is new or was changed. Ctrl-C stops it; the
    same command goes on. The class may be one that was just added from its icon.

    Crops of one physical sign are one row; "same sign" counts them. The score is by how much the
    class leads all others, in nats; above 0 the model finds it likelier than anything else.

    Write ok into the column "check me" of FILE where a candidate is right, and teach the model:
    raresign add-photos RUN --from FILE.

    Example: `raresign find RUN crops/ 3.24.n90 --out found.csv`
    """
    if out is not None:
        raresign.check_found_file(out)
    if order not in _ORDERS:
        raise raresign.InputError(
            _("--order {order}").format(order=order), _("give best or informative")
        )
    cluster = cluster_of(engine, address)
    with _bar() as progress:
        found = raresign.find_crops(
            run,
            folder,
            code,
            most,
            order=order,  # type: ignore[arg-type]
            boxes=boxes,
            index=index,
            rebuild=rebuild,
            progress=progress,
            cluster=cluster,
        )
    if out is not None:
        raresign.save_found(out, found)
        told = ngettext(
            "{n} row written to {file}", "{n} rows written to {file}", len(found.rows())
        )
        error_console().print(told.format(n=len(found.rows()), file=out))
    if as_json:
        for row in found.rows():
            print_json(row)
    else:
        _show(found, _SHOWN if out is not None else most)
    _tell(found.counts)


def _show(found: Any, most: int) -> None:
    table = Table(
        _("file"), _("box"), _("score"), _("same sign"), title=f"{found.code} {found.name}"
    )
    for one in found.candidates[:most]:
        box = "" if one.crop.box is None else " ".join(f"{side:.0f}" for side in one.crop.box)
        table.add_row(one.crop.path, box, f"{one.score:.1f}", str(one.count))
    if not any(one.crop.box for one in found.candidates):
        table.columns.pop(1)
    output(markup=False).print(table)


def _tell(counts: Any) -> None:
    """What the index holds, and why crops are not in it."""
    told = ngettext("{n} crop indexed", "{n} crops indexed", counts.embedded)
    parts = [told.format(n=f"{counts.embedded:,}")]
    if counts.gone:
        parts.append(_("{n} no longer there").format(n=counts.gone))
    if counts.broken:
        reasons = list(counts.unreadable.items())
        listed = ", ".join(f"{count} x {_(why)}" for why, count in reasons[:_REASONS])
        more = ", ..." if len(reasons) > _REASONS else ""
        parts.append(_("{n} not readable ({why})").format(n=counts.broken, why=listed + more))
    error_console().print("; ".join(parts))


@contextmanager
def _bar() -> Iterator[Callable[[Any], None]]:
    """A progress bar on stderr, if someone looks at it."""
    errors = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:,.0f} / {task.total:,.0f}"),
        TimeRemainingColumn(),
        console=errors,
        disable=not errors.is_terminal,
        transient=True,
    )
    task = bar.add_task(_("looking at the folder"), total=1)

    def progress(counts: Any) -> None:
        if counts.listed:
            bar.update(task, completed=counts.listed, total=counts.listed)
            return
        done = counts.embedded + counts.broken
        words = _("crops indexed")
        bar.update(task, description=words, completed=done, total=done + counts.waiting)

    with bar:
        yield progress
