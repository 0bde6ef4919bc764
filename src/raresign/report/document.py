"""Writing RUN/report.html: one file that shows everything about a run and needs no network."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from raresign.evaluation.predictions import GROUPS
from raresign.files import write_text
from raresign.report import published, words
from raresign.report.answer_levels import dared
from raresign.report.confidence import LEGEND, trust
from raresign.report.curves import loss_chart, recall_chart
from raresign.report.forecast import predicted_recall
from raresign.report.pictures import icon_uri, sheet_uri
from raresign.report.recognition import has_prototypes, part_rows
from raresign.report.summary import verdict
from raresign.report.tables import (
    MOST_CROPS_A_PAIR,
    confusion_pairs,
    icon_table,
    stage_rows,
    sure_mistakes,
)
from raresign.runs.run_view import RunView, view_run
from raresign.signs.values import in_order

_HERE = Path(__file__).parent
_LOSS_LEGEND = (("curve-loss", "running mean"), ("curve-raw", "as logged"))
_MOST_SKIPPED = 200


def write_report(run: Path, data: Path | None = None) -> Path:
    """Write RUN/report.html from what lies in the run folder.

    The page is one file: styles, script and pictures are inside, and a content security policy in
    its head forbids it to load anything. Parts of the run that are missing become visible notes.

    Args:
        run: A folder that `raresign train` wrote; run.json must be there, all else may be missing.
        data: The folder that relative paths of the predictions start from; if not given, the data
            folder of the run's settings.

    Returns:
        The path of the report.

    Raises:
        InputError: `run` is no folder, or its run.json is missing or broken.
        OSError: The report cannot be written; an earlier one stays as it was.

    Example:
        >>> import tempfile
        >>> run = Path(tempfile.mkdtemp())
        >>> write_text(run / "run.json", '{"name": "first try", "stages": []}')
        >>> write_report(run).read_text(encoding="utf-8").startswith("<!doctype html>")
        True
    """
    run = Path(run)
    folder = view_run(run)
    root = data or Path(str(_mapping(folder.info.get("settings")).get("data", "")))
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=words.percent,
        count=words.count,
        duration=words.duration,
        plural=words.plural,
    )
    environment.globals["name_of"] = partial(_name_of, _names(folder))
    page = environment.get_template("report.html.j2").render(_contents(folder, root))
    target = run / "report.html"
    # Lone surrogates (file names that are not UTF-8) cannot be written; "?" stands for them.
    write_text(target, page.encode("utf-8", "replace").decode("utf-8"))
    return target


def _contents(folder: RunView, root: Path) -> dict[str, Any]:
    """Everything that the template shows."""
    info, predictions = folder.info, folder.predictions
    settings = _mapping(info.get("settings"))
    simulated = settings.get("simulated") is True
    script = (_HERE / "report.js.j2").read_text(encoding="utf-8")
    return {
        "name": str(info.get("name") or folder.path.resolve().name),
        "created": _date(info.get("created")),
        "seed": info.get("seed"),
        "pseudo_rare": [str(code) for code in _list(info.get("pseudo_rare"))],
        "seconds": info.get("seconds") if isinstance(info.get("seconds"), (int, float)) else None,
        "simulated": simulated,
        "notes": folder.notes,
        "verdict": verdict(folder.metrics, simulated),
        "metrics": folder.metrics,
        "class_rows": sorted(
            folder.metrics.per_class if folder.metrics else (), key=lambda row: in_order(row.code)
        ),
        "predicted": predicted_recall(info),
        "groups": GROUPS,
        "stages": stage_rows(info),
        "published": published,
        "charts": [
            (title, Markup(chart), legend)
            for title, chart, legend in (
                ("Training loss", loss_chart(folder.logs), _LOSS_LEGEND),
                ("Recall while training", recall_chart(folder.logs), _recall_legend(simulated)),
            )
            if chart
        ],
        **_recognition(folder),
        "trust_legend": LEGEND,
        "added": folder.added,
        # The run's own catalogue does not hold the classes that came later.
        "icons": icon_table(folder.catalogue)
        | {one.code: icon_uri(one.icon) for one in folder.added if one.icon},
        "pairs": confusion_pairs(predictions, folder.catalogue, root)
        if predictions is not None
        else None,
        "crops_a_pair": MOST_CROPS_A_PAIR,
        "mistakes": sure_mistakes(predictions, root, folder.answers)
        if predictions is not None
        else None,
        "sheets": [
            (title, sheet_uri(folder.path / "sheets" / file), f"sheets/{file}")
            for file, title in (
                ("synthetic.png", "Synthetic crops, made for training"),
                ("real.png", "Simulated photographs" if simulated else "Real crops"),
            )
        ],
        "settings": _yaml(settings),
        "facts": {
            "Versions": _mapping(info.get("versions")),
            "Machine": _mapping(info.get("machine")),
        },
        "skipped": _skipped(info.get("skipped")),
        "most_skipped": _MOST_SKIPPED,
        "interval": words.interval,
        "style": Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        "script": Markup(script),
        # Only this very script may run: a script smuggled in through a class code would not.
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _recognition(folder: RunView) -> dict[str, Any]:
    """What the sections on classifier, prototypes and unknown signs show; None in older runs."""
    predictions, answers = folder.predictions, folder.answers
    if predictions is None or not answers or not predictions.of_group("all").any():
        return {"parts": None, "trust": None, "dared": None}
    return {
        "parts": part_rows(predictions, answers) if has_prototypes(answers) else [],
        "trust": trust(predictions),
        "dared": dared(predictions, answers),
    }


def _recall_legend(simulated: bool) -> tuple[tuple[str, str], ...]:
    """The curves of recall in words."""
    photos = "simulated photos" if simulated else "real crops"
    return (
        ("curve-validation", f"validation: {photos} of frequent classes"),
        ("curve-pseudo", "pseudo-rare: classes that play rare"),
    )


def _names(folder: RunView) -> dict[str, str]:
    """Class code -> name, of the run's own classes and of those that came later."""
    own = folder.catalogue.classes if folder.catalogue else ()
    return {sign.code: sign.name for sign in own} | {one.code: one.name for one in folder.added}


def _name_of(names: dict[str, str], code: str) -> str:
    """The name of a sign, "" where none is known."""
    return names.get(code, "")


def _mapping(value: Any) -> dict[str, Any]:
    """A dict, empty for anything else."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    """A list, empty for anything else."""
    return value if isinstance(value, list) else []


def _yaml(settings: dict[str, Any]) -> str:
    """Settings as YAML, in their own order."""
    if not settings:
        return ""
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100)


def _date(created: Any) -> str:
    """An ISO time as a reader writes it; anything else as it stands."""
    try:
        # Python 3.10 does not know the "Z" of UTC.
        moment = datetime.fromisoformat(str(created).replace("Z", "+00:00"))
    except ValueError:
        return str(created or "")
    zone = f" {moment.tzname()}" if moment.tzinfo else ""
    return f"{moment.day} {moment:%B %Y, %H:%M}{zone}"


def _skipped(value: Any) -> list[tuple[str, str]]:
    """(path, reason) of the files that were left out, whatever form run.json gives them."""
    rows = []
    for item in _list(value):
        if isinstance(item, dict):
            rows.append((str(item.get("path", "?")), str(item.get("reason", ""))))
        elif isinstance(item, (list, tuple)) and len(item) == 2:
            rows.append((str(item[0]), str(item[1])))
        else:
            rows.append((str(item), ""))
    return rows
