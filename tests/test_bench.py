"""The benchmarks run on embedded material and print the figures that the README promises."""

from __future__ import annotations

import pytest

from raresign import InputError, run_bench
from raresign.lab.bench import measure


def once(parts, runs, warmup=1):
    """One round instead of several: the suite has to be fast."""
    return measure.median_seconds(parts, runs=1, warmup=0)


@pytest.mark.parametrize(
    ("part", "figures"),
    [
        ("sampler", ["sampler.seconds"]),
        ("synth", ["synth.crops_per_second", "synth.ratio", "synth.refused_share"]),
        ("train", ["train.crops_per_second", "train.share_of_time_in_batches"]),
        ("predict", ["predict.of_encoder", "predict.of_nets", "predict.peak_mb_1000"]),
        ("signs", ["signs.seconds", "signs.import_seconds"]),
        ("start", ["start.import_cpu_seconds", "start.help_cpu_seconds", "start.help_modules"]),
    ],
)
def test_each_part_prints_its_figures(part, figures, monkeypatch):
    monkeypatch.setattr("raresign.lab.bench.synth.BLOCK", 64)
    for module in ("synth", "train_speed"):
        monkeypatch.setattr(f"raresign.lab.bench.{module}.median_seconds", once)
    printed = run_bench(part, quick=True)
    assert all(printed[name] > 0 for name in figures)
    assert printed["machine"]["cores"] >= 1
    assert "torch" in printed["versions"]
    assert not [name for name in printed if name.startswith("loss")]


def test_the_index_of_the_reference_size_is_built_in_time():
    assert run_bench("sampler", quick=True)["sampler.seconds"] < 0.05


def test_an_unknown_part_names_the_known_ones():
    with pytest.raises(InputError, match=r"'sinth'.*use loss, sampler, synth"):
        run_bench("sinth")


def test_nothing_large_is_imported_before_it_is_needed():
    figures = run_bench("start", quick=True)
    assert figures["start.import_modules"] < 120
    assert figures["start.help_modules"] < 500
    assert "no run folder" in figures["start.first_answer"]
