"""Numbers and results in words."""

from __future__ import annotations

import math

from raresign.evaluation.metrics import GroupMetrics, Metrics

MISSING = "–"


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
    return f"{100 * share:.{digits}f}\u00a0%"


def interval(low: float | None, high: float | None) -> str:
    """A confidence interval of shares in percent, or nothing where it is unknown.

    Example:
        >>> interval(0.792, 0.832), interval(None, None)
        ('79.2–83.2', '')
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{100 * low:.1f}–{100 * high:.1f}"


def count(number: float | None) -> str:
    """A whole number with thousands commas, or a dash.

    Example:
        >>> count(284896), count(None)
        ('284,896', '–')
    """
    return MISSING if number is None or not math.isfinite(number) else f"{round(number):,}"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """A counted noun.

    Example:
        >>> plural(1, "crop"), plural(1400, "crop"), plural(2, "class", "classes")
        ('1 crop', '1,400 crops', '2 classes')
    """
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def duration(seconds: float | None) -> str:
    """Seconds as the two largest units that matter, or a dash.

    Example:
        >>> duration(7.25), duration(431), duration(24060), duration(None)
        ('7.2 s', '7 min 11 s', '6 h 41 min', '–')
    """
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


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
        return "This run has not been tested yet."
    if not metrics.crops:
        return "The test has no crop with a known class, so nothing can be said about this run."
    made = "simulated crop" if simulated else "crop"
    parts = []
    if metrics.rare.crops:
        parts.append(
            f"of {plural(metrics.rare.crops, made)} of signs it has never seen photographed, "
            f"it named {_recall(metrics.rare)} correctly"
        )
    if metrics.freq.crops:
        photos = "simulated photos" if simulated else "photos"
        signs = f"of {plural(metrics.freq.crops, made)} of signs it learnt from {photos}"
        recall = _recall(metrics.freq)
        parts.append(f"{signs}, {recall}" if parts else f"{signs}, it named {recall} correctly")
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
    told = f"`predict` names {named:,} of these {plural(crops, 'crop')}"
    if named:
        told += f", {right:,} rightly and {named - right:,} wrongly"
    return f"{told}; {crops - named - none:,} it calls unknown, {none:,} no sign."


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
        parts.append(f"{percent(frequent)} of signs that it learnt from other crops")
    if rare is not None:
        parts.append(f"{percent(rare)} of signs of which it saw the icon alone")
    if not parts:
        return ""
    return f"On training crops that it held out, it named {' and '.join(parts)}."


def _recall(group: GroupMetrics) -> str:
    """A recall with its interval."""
    return f"{percent(group.micro.value)} ({interval(group.micro.low, group.micro.high)})"
