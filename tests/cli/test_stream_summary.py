"""One pass over frames, against NumPy on all of them at once."""

import numpy as np
import pytest

import avfusion as av
from avfusion.cli import _stream_summary
from avfusion.cli._stream_summary import summarize


@pytest.mark.parametrize("block", [7, 64, 2_000_000])
def test_counts_are_those_of_all_frames_together(monkeypatch, block):
    monkeypatch.setattr(_stream_summary, "BLOCK", block)
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(n, 4)) for n in (50, 1, 33)]
    for row in rows:
        row[rng.random(row.shape) < 0.1] = np.nan
        row[:, 3] = np.nan
    rows[0][10:23] = np.nan
    rows[2][5, 1], rows[2][6, 1] = np.inf, -np.inf
    frames = np.concatenate(rows)
    found = summarize(av.SequenceArray.from_sequences([rows[0], None, *rows[1:]]))
    nan = np.isnan(frames)
    assert found.n_steps == len(frames)
    assert found.n_nan == nan.sum()
    assert found.n_nan_steps == nan.all(axis=1).sum()
    assert found.n_partly == (nan.any(axis=1) & ~nan.all(axis=1)).sum()
    assert found.n_infinite == 2
    runs = max(
        len(run)
        for row in rows
        for run in "".join("x" if e else " " for e in np.isnan(row).all(axis=1)).split()
    )
    assert found.longest_gap == runs
    assert found.gap_row == 0
    assert found.constant == [3]
    assert found.markers == {}


@pytest.mark.parametrize("block", [16, 2_000_000])
@pytest.mark.parametrize("marker", [-5, -1, -9999, 99, 65535])
def test_a_number_far_from_all_others_that_repeats_is_a_marker(monkeypatch, block, marker):
    monkeypatch.setattr(_stream_summary, "BLOCK", block)
    rng = np.random.default_rng(0)
    rows = [0.3 * rng.random((40, 2)) for _ in range(3)]
    for row in rows:
        row[rng.permutation(40)[:8], 1] = marker
    assert summarize(av.SequenceArray.from_sequences(rows)).markers == {1: (marker, 24)}


@pytest.mark.parametrize(
    "values",
    [
        np.r_[np.random.default_rng(0).normal(size=500), [-5.0] * 9],  # too few
        np.r_[np.random.default_rng(0).normal(size=500), [-5.0] * 50],  # within the reach of the others
        np.r_[np.random.default_rng(0).random(500), [-4.5] * 50],  # no such number
        np.repeat([-1.0, 1.0], 100),  # two values
        np.random.default_rng(0).poisson(2, 500),
        np.tanh(3 * np.random.default_rng(0).normal(size=500)),
        np.clip(np.random.default_rng(0).standard_cauchy(5000), -99, 99),
        np.r_[np.zeros(400), np.full(40, -1.0)],
        np.random.default_rng(0).integers(-100, 100, 500),
    ],
)
def test_what_is_no_marker(values):
    assert summarize(av.SequenceArray.from_sequences([values.astype(float)])).markers == {}


def test_a_column_without_steps():
    found = summarize(av.SequenceArray.from_sequences([None, np.empty((0, 2))]))
    assert (found.n_steps, found.constant, found.longest_gap) == (0, [], 0)
