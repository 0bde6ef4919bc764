"""The model card of a bundle: what it is, what it was trained on, how good it is, where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from raresign.evaluation.metrics import Metrics
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

_GROUPS = {"all": "all signs", "rare": "rare signs", "freq": "frequent signs"}
_LIMITS = """- It names a sign that was cut out of its picture; it finds no signs in whole frames.
- Figures are of crops like those of the test. Another camera, country or detector gives others:
  measure with `raresign evaluate` on crops of your own.
- A sign that is not in the catalogue is to be answered "unknown", which does not always succeed.
- Values that look alike (30 and 80, 4.5 and 45) are the most common mistakes.
- It is no part of a safety function: nothing here was tested for that."""


def model_card(
    info: Mapping[str, Any],
    catalogue: SignCatalogue,
    metrics: Metrics | None,
    precision: str,
    notes: str,
) -> str:
    """A model card in Markdown.

    Args:
        info: The content of run.json.
        catalogue: All classes of the model.
        metrics: Figures on test crops; None where there are none.
        precision: Of the encoder: fp32, fp16 or int8.
        notes: What is known of licences, a line each.
    """
    settings = info.get("settings", {})
    recipe = settings.get("recipe", {})
    rare = len(catalogue.labels_of_type("rare"))
    title = catalogue.country.title if catalogue.country else "codes of no country that we know"
    lines = [
        f"# {info.get('name', 'model')}",
        "",
        f"A classifier of {len(catalogue)} traffic signs ({title}), made by raresign.",
        "",
        "## What it was trained on",
        "",
        f"- data: {_data(settings)}",
        f"- classes: {len(catalogue) - rare} with real crops, {rare} from their icon alone",
        f"- network: {recipe.get('backbone', '?')}, crops of {recipe.get('crop_size', '?')} px, "
        f"recipe {recipe.get('name', '?')}",
        f"- started from: {info.get('weights', {}).get('source', '?')}",
        f"- made: {str(info.get('created', '?'))[:10]}, seed {info.get('seed', '?')}",
        f"- encoder: {precision}",
        "",
        "## How good it is",
        "",
        *_figures(info, metrics),
        "",
        "## Where it ends",
        "",
        _LIMITS,
        "",
        "## Licences",
        "",
        notes,
        "",
    ]
    return "\n".join(lines)


def _data(settings: Mapping[str, Any]) -> str:
    """The name of the data, without where it lay."""
    name = settings.get("crops") or settings.get("data") or "?"
    told = PurePath(str(name)).name
    return f"{told} (simulated photos)" if settings.get("simulated") else told


def _figures(info: Mapping[str, Any], metrics: Metrics | None) -> list[str]:
    if metrics is None:
        test = info.get("test") or {}
        known = [f"{_GROUPS[name]} {100 * value:.1f} %" for name, value in test.items() if value]
        return [f"Recall on its test crops: {', '.join(known)}." if known else "Not measured."]
    rows = ["| test crops | crops | recall | 95 % interval | calibration error |", "|" + "---|" * 5]
    for name, words in _GROUPS.items():
        group = metrics.group(name)  # type: ignore[arg-type]
        if group.crops:
            one = group.micro
            rows.append(
                f"| {words} | {group.crops} | {100 * one.value:.1f} % | "
                f"{100 * one.low:.1f} to {100 * one.high:.1f} | {100 * group.ece:.1f} % |"
            )
    return [*rows, "", "Measured with the network in float32."]
