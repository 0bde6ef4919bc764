"""Numbers and results in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from raresign.language.spoken import _, current_language, ngettext

if TYPE_CHECKING:
    from raresign.evaluation.metrics import GroupMetrics, Metrics

MISSING = "–"


def number(value: float, digits: int = 1, sign: str = "") -> str:
    """A number with its decimal sign in the language spoken: the one place that writes it.

    Args:
        value: The number.
        digits: Digits after the decimal sign.
        sign: "+" writes one before positive numbers, too.

    Example:
        >>> from raresign.language.spoken import speaking
        >>> with speaking("ru"):
        ...     number(96.21), number(0.5, 2, "+"), percent(0.962)
        ('96,2', '+0,50', '96,2\xa0%')
    """
    return spoken_number(f"{value:{sign}.{digits}f}")


def spoken_number(text: str) -> str:
    """A written number with the decimal sign of the language spoken."""
    return text.replace(".", ",") if current_language() == "ru" else text


def percent(share: float | None, digits: int = 1) -> str:
    """A share in [0, 1] as a percentage, or a dash where it is unknown.

    Args:
        share: The share; None and NaN mean "not measured".
        digits: Digits after the point.

    Example:
        >>> percent(0.8134), percent(1.0, digits=0), percent(None)
        ('81.3\xa0%', '100\xa0%', '–')
    """
    if share is None or not math.isfinite(share):
        return MISSING
    return f"{number(100 * share, digits)}\u00a0%"


def interval(low: float | None, high: float | None) -> str:
    """A confidence interval of shares in percent, or nothing where it is unknown.

    Example:
        >>> interval(0.792, 0.832), interval(None, None)
        ('79.2–83.2', '')
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{number(100 * low)}–{number(100 * high)}"


def count(number: float | None) -> str:
    """A whole number with its thousands apart, or a dash.

    Example:
        >>> count(284896), count(None)
        ('284,896', '–')
    """
    if number is None or not math.isfinite(number):
        return MISSING
    text = f"{round(number):,}"
    return text if current_language() == "en" else text.replace(",", "\u00a0")


def counted_crops(number: int) -> str:
    """A number of crops.

    Example:
        >>> counted_crops(1), counted_crops(1400)
        ('1 crop', '1,400 crops')
    """
    return ngettext("{n} crop", "{n} crops", number).format(n=count(number))


def counted_classes(number: int) -> str:
    """A number of classes.

    Example:
        >>> counted_classes(2)
        '2 classes'
    """
    return ngettext("{n} class", "{n} classes", number).format(n=count(number))


def duration(seconds: float | None) -> str:
    """Seconds as the two largest units that matter, or a dash.

    Example:
        >>> duration(7.25), duration(431), duration(24060), duration(None)
        ('7.2 s', '7 min 11 s', '6 h 41 min', '–')
    """
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 59.95:
        return _("{s} s").format(s=number(seconds))
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60 and rest:
        return _("{min} min {s} s").format(min=minutes, s=rest)
    if minutes < 60:
        return _("{min} min").format(min=minutes)
    hours, minutes = divmod(round(seconds / 60), 60)
    if minutes:
        return _("{h} h {min} min").format(h=hours, min=minutes)
    return _("{h} h").format(h=hours)


def result_sentence(metrics: Metrics | None, simulated: bool) -> str:
    """What the model named right, in words that need no knowledge of the field.

    Args:
        metrics: The figures of the test; None if the run was not tested.
        simulated: Whether the tested crops are made, not photographed.

    Example:
        >>> result_sentence(None, simulated=False)
        'This run has not been tested yet.'
    """
    if metrics is None:
        return _("This run has not been tested yet.")
    if not metrics.crops:
        return _("The test has no crop with a known class, so nothing can be said about this run.")
    parts = []
    if metrics.rare.crops:
        rare = _("of {crops} of signs it has never seen photographed, it named {recall} correctly")
        parts.append(rare.format(**_figures(metrics.rare, simulated)))
    if metrics.freq.crops and parts:
        freq = _("of {crops} of signs it learnt from photos, {recall}")
        if simulated:
            freq = _("of {crops} of signs it learnt from simulated photos, {recall}")
        parts.append(freq.format(**_figures(metrics.freq, simulated)))
    elif metrics.freq.crops:
        freq = _("of {crops} of signs it learnt from photos, it named {recall} correctly")
        if simulated:
            freq = _(
                "of {crops} of signs it learnt from simulated photos, it named {recall} correctly"
            )
        parts.append(freq.format(**_figures(metrics.freq, simulated)))
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def answered_sentence(crops: int, named: int, right: int, none: int) -> str:
    """What `predict` prints for the test crops: it may call a crop unknown, where recall guesses.

    Args:
        crops: Test crops with a known class.
        named: Of these, answered with a class.
        right: Of the named, the right class.
        none: Called no sign; the others are called unknown.

    Example:
        >>> answered_sentence(9, 8, 7, 0).partition("; ")[0]
        '`predict` names 8 of these 9 crops, 7 rightly and 1 wrongly'
    """
    if not crops:
        return ""
    told = _("`predict` names {named} of these {crops}")
    if named:
        told = _("`predict` names {named} of these {crops}, {right} rightly and {wrong} wrongly")
    told = told.format(
        named=count(named),
        crops=counted_crops(crops),
        right=count(right),
        wrong=count(named - right),
    )
    rest = _("{unknown} it calls unknown, {none} no sign.")
    return f"{told}; {rest.format(unknown=count(crops - named - none), none=count(none))}"


def held_out_sentence(frequent: float | None, rare: float | None) -> str:
    """What the training measured on real crops that it held out, for a run without test crops.

    Args:
        frequent: Recall on held-out crops of classes whose other crops it trained on.
        rare: Recall on classes whose crops were all held out.

    Example:
        >>> held_out_sentence(0.97, None).partition(", ")[2]
        'it named 97.0\xa0% of signs that it learnt from other crops.'
    """
    parts = []
    if frequent is not None:
        told = _("{share} of signs that it learnt from other crops")
        parts.append(told.format(share=percent(frequent)))
    if rare is not None:
        parts.append(
            _("{share} of signs of which it saw the icon alone").format(share=percent(rare))
        )
    if not parts:
        return ""
    named = _(" and ").join(parts)
    return _("On training crops that it held out, it named {signs}.").format(signs=named)


def _figures(group: GroupMetrics, simulated: bool) -> dict[str, str]:
    """How many crops a group has, and its recall with its interval."""
    share = interval(group.micro.low, group.micro.high)
    made = counted_crops(group.crops)
    if simulated:
        made = ngettext("{n} simulated crop", "{n} simulated crops", group.crops)
        made = made.format(n=count(group.crops))
    return {"crops": made, "recall": f"{percent(group.micro.value)} ({share})"}


FILTERS: dict[str, Callable[..., str]] = {
    one.__name__: one for one in (percent, number, count, duration, counted_crops, counted_classes)
}
"""Of the templates of report and studio."""
