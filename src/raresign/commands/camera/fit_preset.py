"""`raresign fit-camera`: a preset whose crops look as if the user's own camera had taken them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raresign.commands.camera.fitted_preset import CameraFit, preset_text, shown
from raresign.commands.camera.realism_crops import RealCrops, RealismMaterial
from raresign.commands.progress import Say, silent
from raresign.errors import InputError
from raresign.files import write_text
from raresign.framing.finder import Framing
from raresign.realism.energy_descent import Fit, Round, Simulation, fit_proposal
from raresign.realism.features import FeatureSpace
from raresign.realism.folds import block_folds
from raresign.realism.preset_ranges import preset_proposal, reachable, rounded, with_proposal
from raresign.realism.proposal import Proposal, weighted_knots
from raresign.realism.statistics import crop_statistics
from raresign.seeds import mix_integers
from raresign.synthesis.preset import RoadPreset, load_preset

Floats = NDArray[np.float64]
_PIXELS = "sensor.pixels"
_FOLDS = 4
_CLASS_PRIOR = 8.0  # a class of 8 crops counts half its own mean and half that of all classes


def fit_camera(
    data: str | Path,
    crops: str | Path | None = None,
    out: str | Path = "camera.yaml",
    *,
    base: str = "road",
    layout: str = "auto",
    seed: int = 0,
    rounds: int = 12,
    size: int = 64,
    simulations: int = 2500,
    most: int = 3000,
    keep: float = 0.15,
    pixels: bool = False,
    cache: str | Path | None = None,
    strict: bool = False,
    svg_text: bool = False,
    framing: Framing = "found",
    say: Say = silent,
) -> CameraFit:
    """Estimate from real crops how a preset's ranges should stand, and write the new preset.

    Crops are drawn from the base preset with widened ranges; ranges and probabilities move to where
    crops have the statistics of the real ones, by descent on the energy distance, a few rounds over
    (see `raresign.realism.energy_descent`). What the crops say nothing about stays as it is.
    Realism before and after is measured on real crops that nothing was fitted to.

    Args:
        data, crops, layout, size, most, cache, strict, framing: See `RealismMaterial.open`.
        svg_text: See there, too.
        out: The preset file to write.
        base: Preset name or file to start from; it must be of the road engine.
        seed: Of every draw.
        rounds: How many at most.
        simulations: Synthetic crops of a round.
        keep: Share of the base preset that stays in every range that moves, so that rare signs are
            seen under unusual conditions, too.
        pixels: Also measure with a small network trained on pixels; takes a minute longer.
        say: Is told what happens.

    Raises:
        InputError: Too few crops, no such data, or a preset without ranges.
    """
    preset = road = load_preset(base)
    if not isinstance(preset, RoadPreset):
        raise InputError(
            f"the preset {base} is of the reference engine, which has no ranges to fit",
            "start from road",
        )
    if rounds < 1 or simulations < 200 or not 0 <= keep < 1:
        raise InputError(
            f"{rounds} rounds of {simulations} crops, {keep:g} of the base preset kept",
            "use at least 1 round, at least 200 crops and a share from 0 to below 1",
        )
    if Path(out).suffix not in (".yaml", ".yml") or Path(out).is_dir():
        raise InputError(f"{out} cannot be a preset", "name a .yaml file")
    material = RealismMaterial.open(
        data,
        crops,
        layout=layout,
        size=size,
        most=most,
        cache=cache,
        strict=strict,
        svg_text=svg_text,
        framing=framing,
        say=say,
    )
    real = material.fitted
    space = FeatureSpace.best()
    ruler = material.ruler(space, pixels, seed)
    labels = material.like_measured(seed)
    first, params = material.render(preset, labels, mix_integers(seed, 1), record=True)
    start = preset_proposal(preset, params)
    settings = [*start.ranges, *start.probabilities]
    pinned = _pinned(start, real, size)
    if pinned:
        preset = with_proposal(preset, Proposal(pinned, {}))
        others = {name: knots for name, knots in start.ranges.items() if name not in pinned}
        start = Proposal(others, start.probabilities)
    if not real.labelled:
        even = np.full(material.classes, 1 / material.classes)
        start = Proposal(start.ranges, start.probabilities, even)
    centre = _class_means(first, labels, material.classes) if real.labelled else None
    fit = _fitted(material, preset, start, centre, rounds, simulations, seed, say)

    found = fit.proposal.mixed(start, keep)
    found = Proposal({**found.ranges, **pinned}, found.probabilities, found.mix)
    moved = fit.moved | pinned.keys()
    fitted = with_proposal(preset, rounded(found, moved))
    fitted = fitted.model_copy(update={"name": Path(out).stem})
    chosen = material.like_measured(seed, fit.proposal.mix)
    if not real.labelled:  # the same classes for both: a fitted mix of classes is not realism
        first, _ = material.render(road, chosen, mix_integers(seed, 1))
    before = ruler.measure(base, first)
    say(f"{base}: {shown(before)}")
    made, _ = material.render(fitted, chosen, mix_integers(seed, 2))
    after = ruler.measure(fitted.name, made)
    floor = material.floor(ruler)
    say(f"{fitted.name}: {shown(after)}")
    result = CameraFit(
        Path(out),
        fitted,
        len(real),
        real.labelled,
        material.held_out,
        space.name,
        before,
        after,
        floor,
        ruler.gaps(made),
        tuple(name for name in settings if name in moved),
    )
    write_text(out, preset_text(result, base))
    return result


def _class_means(crops: NDArray[np.uint8], labels: NDArray[np.int64], classes: int) -> Floats:
    """(C, F) mean statistics of every class's synthetic crops.

    A class has its own colours and edges; without them light and blur show more clearly.
    """
    values = crop_statistics(crops).values
    means = np.tile(values.mean(0), (classes, 1))
    for label in np.unique(labels).tolist():
        own = values[labels == label]
        means[label] = (own.sum(0) + _CLASS_PRIOR * means[label]) / (len(own) + _CLASS_PRIOR)
    return means


def _fitted(
    material: RealismMaterial,
    preset: RoadPreset,
    start: Proposal,
    centre: Floats | None,
    rounds: int,
    simulations: int,
    seed: int,
    say: Say,
) -> Fit:
    """Run the rounds on statistics of the fitted half."""
    real = material.fitted
    # The quality guard would hide a part of what is drawn from the weights.
    free = preset.model_copy(update={"guard": preset.guard.model_copy(update={"enabled": False})})

    def measured(
        crops: NDArray[np.uint8], labels: NDArray[np.int64], sides: Floats | None
    ) -> Floats:
        values = crop_statistics(crops, sides).values
        return values if centre is None else values - centre[labels]

    def simulate(proposal: Proposal, number: int) -> Simulation:
        rng = np.random.default_rng((seed & 0xFFFFFFFF, number))
        if proposal.mix is None:
            times = -(-simulations // len(real))
            labels = np.concatenate([rng.permutation(real.labels) for _ in range(times)])
            labels = labels[:simulations]
        else:
            labels = rng.choice(material.classes, simulations, p=proposal.mix).astype(np.int64)
        drawn = with_proposal(free, proposal)
        crops, params = material.render(drawn, labels, mix_integers(seed, 3, number), record=True)
        sides = params[_PIXELS].numpy() if real.sizes_vary and _PIXELS in params else None
        values = {name: column.numpy() for name, column in params.items()}
        return Simulation(measured(crops, labels, sides), values, labels)

    def heard(number: int, round_: Round) -> None:
        say(
            f"round {number + 1} of at most {rounds}: energy distance {round_.distance:.3f}, "
            f"statistics tell {100 * round_.test.accuracy:.1f} % from real; {len(round_.moved)} of "
            f"{len(start.ranges) + len(start.probabilities)} settings move"
        )

    statistics = measured(real.crops, real.labels, real.sides if real.sizes_vary else None)
    folds, reach = block_folds(real.crops, real.labels, _FOLDS), partial(reachable, free)
    return fit_proposal(statistics, folds, start, reach, simulate, rounds, seed, heard)


def _pinned(proposal: Proposal, real: RealCrops, size: int) -> dict[str, tuple[float, ...]]:
    """Sides of the crop files as the range of pixels, unless all files were brought to one size."""
    if _PIXELS not in proposal.ranges or not real.sizes_vary:
        return {}
    sides = real.sides.clip(1, size)  # larger files lose what is beyond the crop's size
    knots = weighted_knots(sides, np.ones(len(sides)))
    return {_PIXELS: tuple(float(f"{knot:.4g}") for knot in knots)}
