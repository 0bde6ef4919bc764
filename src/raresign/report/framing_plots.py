"""The framing sweep as curves: recall over the scale of the window, loss over its shift."""

from __future__ import annotations

from markupsafe import Markup

from raresign.evaluation.predictions import GROUPS
from raresign.evaluation.reframed_recall import FramingSweep
from raresign.language.spoken import _
from raresign.report.answer_levels import GROUP_NAMES
from raresign.report.plot import Axis, Curve, draw_plot, share_axis
from raresign.report.words import spoken_number

Figure = tuple[str, Markup, list[tuple[str, str]]]
"""Title, SVG, and the legend: CSS class and words of each curve."""
_DOT = 3.2


def framing_figures(sweep: FramingSweep) -> list[Figure]:
    """Recall over the scale and, where the window was shifted, over the shift.

    Groups without crops have no curve.
    """
    groups = [name for name in GROUPS if sweep.unchanged.recall[name].n]
    legend = [(f"curve-{name}", _(GROUP_NAMES[name])) for name in groups]
    scaled = {
        name: [(row.scale, row.recall[name].value) for row in sweep.scales()] for name in groups
    }
    shifted = {
        name: [
            (amount, sweep.unchanged.recall[name].value - loss)
            for amount, loss in [(0.0, 0.0), *sweep.mean_shift_losses(name).items()]
        ]
        for name in groups
    }
    figures = []
    for title, label, curves, mark in (
        (_("Recall by scale"), _("visible width, as a factor of the crop's"), scaled, "{:g}"),
        (_("Recall by shift"), _("shift, mean over eight directions"), shifted, "{:.0%}"),
    ):
        places = [x for x, _y in next(iter(curves.values()), [])]
        if len(places) < 2:
            continue
        across = Axis(
            label, places[0], places[-1], [(x, spoken_number(mark.format(x))) for x in places]
        )
        lowest = min(y for points in curves.values() for _x, y in points)
        lines = [
            Curve(points, f"curve-{name}", (_DOT,) * len(points)) for name, points in curves.items()
        ]
        plot = draw_plot(
            _("{title} of the window").format(title=title),
            across,
            share_axis(_("recall"), lowest),
            lines,
        )
        figures.append((title, Markup(plot), legend))
    return figures
