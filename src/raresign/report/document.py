"""Writing RUN/report.html: one file that shows everything about a run and needs no network."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from raresign.answers.answer import LEVEL_WORDS
from raresign.crops.framing_facts import FramingFacts
from raresign.evaluation.crop_answers import CropAnswer
from raresign.evaluation.predictions import GROUPS
from raresign.files import write_text
from raresign.language.spoken import _, current_language, later, ngettext
from raresign.report import stages, words
from raresign.report.answer_levels import (
    GROUP_NAMES,
    answer_counts,
    coverage_plot,
    level_rows,
)
from raresign.report.answer_parts import log_likelihoods, part_rows, reliability_plot
from raresign.report.curves import loss_chart, recall_chart
from raresign.report.framing_plots import framing_figures
from raresign.report.pictures import icon_uri, sheet_uri
from raresign.report.stage_plot import recall_by_stage, stage_chart
from raresign.report.tables import (
    MOST_CROPS_A_PAIR,
    confident_mistakes,
    confusion_pairs,
    icon_table,
    predicted_recall,
    worst_classes,
)
from raresign.runs.run_folder import RunFolder
from raresign.runs.run_view import RunView, view_run
from raresign.signs.spoken_signs import spoken_family, spoken_name, spoken_type
from raresign.signs.values import in_order

REPORT = "report.html"
_HERE = Path(__file__).parent
_MOST_SKIPPED = 200
_MONTHS = (
    *(later("January"), later("February"), later("March"), later("April"), later("May")),
    *(later("June"), later("July"), later("August"), later("September"), later("October")),
    *(later("November"), later("December")),
)
_Chart = tuple[str, Markup, list[tuple[str, str]]]


def write_report(run: Path, data: Path | None = None) -> Path:
    """Write RUN/report.html from what lies in the run folder.

    Styles, script and pictures are inside the file, and its content security policy forbids it to
    load anything. Parts of the run that are missing become visible notes. It is in English, inside
    `with raresign.speaking("ru")` in Russian.

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
    RunFolder.check_here(run)
    target = Path(run) / REPORT
    # Lone surrogates (file names that are not UTF-8) cannot be written; "?" stands for them.
    write_text(target, report_page(Path(run), data).encode("utf-8", "replace").decode("utf-8"))
    return target


def report_page(run: Path, data: Path | None = None) -> str:
    """The report as one HTML page, see `write_report`, which writes it."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= words.FILTERS
    environment.filters |= {"family": spoken_family, "type": spoken_type, "said": _}
    environment.globals.update({"zip": zip, "_": _said, "ngettext": _counted})
    return environment.get_template("report.html.j2").render(report_values(run, data))


def report_values(run: Path, data: Path | None = None) -> dict[str, Any]:
    """Everything that the templates of the report show; the studio shows it, too.

    Raises:
        InputError: `run` is no folder, or its run.json is missing or broken.
    """
    folder = view_run(run)
    root = data or Path(str(_mapping(folder.info.get("settings")).get("data", "")))
    info, predictions, metrics = folder.info, folder.predictions, folder.metrics
    settings = _mapping(info.get("settings"))
    simulated = settings.get("simulated") is True
    seconds, pseudo_rare = info.get("seconds"), info.get("pseudo_rare")
    script = (_HERE / "report.js.j2").read_text(encoding="utf-8")
    own = folder.catalogue.classes if folder.catalogue else ()
    pairs, mistakes = None, None
    if predictions is not None:
        pairs = confusion_pairs(predictions, folder.catalogue, root)
        mistakes = confident_mistakes(predictions, root, folder.answers)
    return {
        "name": str(info.get("name") or folder.path.resolve().name),
        "created": _date(info.get("created")),
        "seed": info.get("seed"),
        "pseudo_rare": [str(code) for code in pseudo_rare] if isinstance(pseudo_rare, list) else [],
        "seconds": seconds if isinstance(seconds, (int, float)) else None,
        "simulated": simulated,
        "notes": folder.notes,
        "result": words.result_sentence(metrics, simulated) + _held_out(info, metrics is None),
        "answered": words.answered_sentence(
            *answer_counts(predictions, folder.answers)
            if predictions is not None and folder.answers
            else (0, 0, 0, 0)
        ),
        "metrics": metrics,
        "class_rows": sorted(
            metrics.per_class if metrics else (), key=lambda row: in_order(row.code)
        ),
        "worst_rows": worst_classes(metrics.per_class) if metrics else [],
        "predicted": predicted_recall(info),
        "groups": GROUPS,
        "stages": stages.stage_rows(info),
        "published": stages,
        "stage_chart": _stage_chart(info),
        "charts": _training_charts(folder, simulated),
        "rest": _rest(info),
        **_recognition(folder),
        "framing": folder.framing,
        "framing_figures": framing_figures(folder.framing) if folder.framing else [],
        "added": folder.added,
        # The run's own catalogue does not hold the classes that came later.
        "icons": icon_table(folder.catalogue)
        | {one.code: icon_uri(one.icon) for one in folder.added if one.icon},
        "name_of": {sign.code: spoken_name(sign.code, sign.name) for sign in own}
        | {one.code: spoken_name(one.code, one.name) for one in folder.added},
        "type_of": dict(zip(predictions.codes, predictions.types, strict=True))
        if predictions is not None
        else {},
        "pairs": pairs,
        "crops_a_pair": MOST_CROPS_A_PAIR,
        "mistakes": mistakes,
        "level_of": _level,
        "language": current_language(),
        "sheets": [
            (title, sheet_uri(folder.path / "sheets" / file), f"sheets/{file}")
            for file, title in (
                ("synthetic.png", _("Synthetic crops, made for training")),
                ("real.png", _("Simulated photographs") if simulated else _("Real crops")),
            )
        ],
        "settings": yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=100)
        if settings
        else "",
        "facts": {
            _("Versions"): _mapping(info.get("versions")),
            _("Machine"): _mapping(info.get("machine")),
        },
        "framed": _framed(_mapping(info.get("framing"))),
        "layout": str(info.get("layout") or "").removeprefix("layout: "),
        "left_out": _mapping(info.get("left_out")),
        "skipped": _skipped(info.get("skipped")),
        "most_skipped": _MOST_SKIPPED,
        "interval": words.interval,
        "style": Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        "script": Markup(script),
        # Only this very script may run: a script smuggled in through a class code would not.
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _held_out(info: dict[str, Any], untested: bool) -> str:
    """What an untested run's training measured on crops that it held out; "" for a tested run."""
    stages = info.get("stages")
    measured = [one for one in stages if isinstance(one, dict)] if isinstance(stages, list) else []
    found = [
        next((one[key] for one in reversed(measured) if isinstance(one.get(key), float)), None)
        for key in ("validation_recall", "pseudo_rare_recall")
    ]
    return f" {words.held_out_sentence(*found)}".rstrip() if untested else ""


def _training_charts(folder: RunView, simulated: bool) -> list[_Chart]:
    """The training curves that were logged."""
    checked = _("validation: real crops of frequent classes")
    if simulated:
        checked = _("validation: simulated photos of frequent classes")
    loss = [("curve-loss", _("running mean")), ("curve-raw", _("as logged"))]
    recall = [("curve-validation", checked), ("curve-pseudo", _("pseudo-rare classes"))]
    charts = [
        (_("Training loss"), loss_chart(folder.logs), loss),
        (_("Recall while training"), recall_chart(folder.logs), recall),
    ]
    return [(title, Markup(chart), legend) for title, chart, legend in charts if chart]


def _stage_chart(info: dict[str, Any]) -> _Chart | None:
    """Recall on the test after each stage, None where no test was measured."""
    chart, legend = stage_chart(
        *recall_by_stage(stages.stage_rows(info), _mapping(info.get("test")))
    )
    title = _("Recall on the test crops after each stage")
    return (title, Markup(chart), legend) if chart else None


def _rest(info: dict[str, Any]) -> float | None:
    """Seconds of a run beside its stages: reading data, prototypes, rules, measuring, pictures."""
    total = info.get("seconds")
    spent = [row["seconds"] for row in stages.stage_rows(info)]
    if not isinstance(total, (int, float)) or not spent or None in spent:
        return None
    return max(0.0, float(total) - sum(map(float, spent)))


def _recognition(folder: RunView) -> dict[str, Any]:
    """What the sections on prototypes, calibration and answer levels show; None in older runs."""
    predictions, answers = folder.predictions, folder.answers
    if predictions is None or not answers or not predictions.of_group("all").any():
        return {"levels": None}
    coverage, coverage_legend = coverage_plot(predictions, answers)
    legend = [(f"curve-{group}", _(words)) for group, words in GROUP_NAMES.items()]
    return {
        "parts": part_rows(predictions, answers),
        "reliability": (_("Reliability diagram"), Markup(reliability_plot(predictions)), legend),
        "log_likelihoods": log_likelihoods(predictions),
        "levels": level_rows(predictions, answers),
        "coverage": coverage and (_("Accuracy over coverage"), Markup(coverage), coverage_legend),
    }


def _said(message: str, **values: object) -> Markup:
    """A message that stands in a template, in the language spoken; values put into it are escaped.

    Nothing else may be given as the message: it is taken for HTML.
    """
    said = Markup(_(message))
    return said.format(**values) if values else said


def _counted(one: str, many: str, number: int, **values: object) -> Markup:
    """The same of a message that depends on a number, `{n}` in it."""
    return Markup(ngettext(one, many, number)).format(n=words.count(number), **values)


def _level(answer: CropAnswer) -> str:
    """How exactly a crop was answered."""
    return _(LEVEL_WORDS[answer.level]).format(family=spoken_family(answer.family))


def _framed(said: dict[str, Any]) -> str | None:
    """How the training crops were framed; None in a run without real crops."""
    try:
        return FramingFacts(**{key: said[key] for key in said if key != "said"}).spoken
    except (TypeError, ValueError):  # of an older run
        return said.get("said")


def _mapping(value: Any) -> dict[str, Any]:
    """A dict, empty for anything else."""
    return value if isinstance(value, dict) else {}


def _date(created: Any) -> str:
    """An ISO time as a reader writes it; anything else as it stands."""
    try:
        # Python 3.10 does not know the "Z" of UTC.
        moment = datetime.fromisoformat(str(created).replace("Z", "+00:00"))
    except ValueError:
        return str(created or "")
    zone = f" {moment.tzname()}" if moment.tzinfo else ""
    told = _("{day} {month} {year}, {time}").format(
        day=moment.day, month=_(_MONTHS[moment.month - 1]), year=moment.year, time=f"{moment:%H:%M}"
    )
    return f"{told}{zone}"


def _skipped(value: Any) -> list[tuple[str, str]]:
    """(path, reason) of the files that were left out, whatever form run.json gives them."""
    rows = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            rows.append((str(item.get("path", "?")), str(item.get("reason", ""))))
        elif isinstance(item, list) and len(item) == 2:
            rows.append((str(item[0]), str(item[1])))
        else:
            rows.append((str(item), ""))
    return rows
