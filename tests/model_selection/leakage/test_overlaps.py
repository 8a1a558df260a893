import numpy as np
import pytest

from avfusion.model_selection.leakage._overlaps import find_overlaps
from avfusion.model_selection.leakage._parted import PartedRows
from avfusion.model_selection.leakage._shifts import ranked_changes
from avfusion.sequences._array import SequenceArray


def everybody(n_rows):
    return PartedRows([(np.arange(n_rows), np.arange(n_rows))], n_rows)


def walks(n_rows, n_steps, n_features=3, seed=0):
    return np.cumsum(np.random.default_rng(seed).normal(size=(n_rows, n_steps, n_features)), axis=1)


def test_long_recordings():
    """Copies of 7500 steps with noise, and 5000 steps that two have in common, are longer than 4000."""
    rows = list(walks(6, 7500))
    rows[5] = rows[0] + 0.3 * np.random.default_rng(1).normal(size=rows[0].shape)
    rows[4] = np.concatenate([rows[1][2500:], rows[4][:2500]])
    found, n_compared, n_pairs = find_overlaps(SequenceArray.from_sequences(rows), everybody(6))
    assert [pair[1:] for pair in found] == [(0, 5, 0, 0, 7500), (1, 4, 2500, 0, 5000)]
    assert n_compared == n_pairs == 15


def test_many_rows():
    """Rows far from one another in the table are compared too."""
    rows = list(walks(100, 300))
    rows[80] = rows[3] + 0.3 * np.random.default_rng(1).normal(size=rows[3].shape)
    rows[60] = np.concatenate([rows[5][150:], rows[60][:150]])
    found, n_compared, n_pairs = find_overlaps(SequenceArray.from_sequences(rows), everybody(100))
    assert [pair[1:] for pair in found] == [(3, 80, 0, 0, 300), (5, 60, 150, 0, 150)]
    assert n_compared == n_pairs == 4950


def test_hundreds_of_rows():
    rows = list(walks(400, 200))
    rows[300] = rows[3] + 0.3 * np.random.default_rng(1).normal(size=rows[3].shape)
    rows[0] = np.concatenate([rows[399][100:], rows[0][:100]])
    found, n_compared, n_pairs = find_overlaps(SequenceArray.from_sequences(rows), everybody(400))
    assert [pair[1:] for pair in found] == [(0, 399, 0, 100, 100), (3, 300, 0, 0, 200)]
    assert n_compared == n_pairs == 79800


def test_a_cut_within_the_other_and_pairs_that_are_not_parted():
    rows = list(walks(3, 900))
    rows[1] = rows[0][300:500]
    array, parted = SequenceArray.from_sequences(rows), everybody(3)
    assert [pair[1:] for pair in find_overlaps(array, parted)[0]] == [(0, 1, 300, 0, 200)]
    assert find_overlaps(array, parted.without([[0, 1]])) == ([], 2, 2)


def test_slow_features_in_noise_are_compared_in_larger_steps():
    t = np.arange(6000)[:, None]
    rng = np.random.default_rng(0)
    rows = [
        np.sin(t * rng.uniform(0.01, 0.05, size=(1, 40)) + rng.uniform(0, 6, size=(1, 40))) for _ in range(5)
    ]
    rows = [row @ rng.normal(size=(40, 3)) for row in rows]
    rows[4] = rows[1].copy()
    array = SequenceArray.from_sequences([row + 1.0 * rng.normal(size=row.shape) for row in rows])
    assert find_overlaps(array, everybody(5))[0] == []
    coarse, _, _ = find_overlaps(array, everybody(5), hop=8)
    assert [(pair.one, pair.other) for pair in coarse] == [(1, 4)]
    assert coarse[0].steps == 6000


def test_what_is_beyond_the_work_is_counted():
    array = SequenceArray.from_sequences(list(walks(40, 4000, 1)))
    found, n_compared, n_pairs = find_overlaps(array, everybody(40), max_work=1e5)
    assert found == []
    assert 0 < n_compared < n_pairs == 780


@pytest.mark.parametrize(
    "kind", ["noise", "walk", "waves", "rare", "silence", "held", "flags", "alike in level"]
)
def test_strangers_are_not_alike(kind):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(12, 600, 3))
    rows = {
        "noise": noise,
        "walk": np.cumsum(noise, axis=1),
        "waves": np.sin(np.arange(600)[:, None] * rng.uniform(0.1, 0.5, (12, 1, 3))) + 0.05 * noise,
        "rare": np.where(rng.random(noise.shape) < 0.01, noise, 0.0),
        "silence": np.where(np.arange(600)[:, None] < 450, 0.0, noise),
        "held": np.repeat(noise[:, ::4], 4, axis=1),
        "flags": 1.0 * (np.cumsum(rng.random(noise.shape) < 0.1, axis=1) % 2),
        "alike in level": noise * 0.1 + np.hanning(600)[:, None],
    }[kind]
    array = SequenceArray.from_sequences(list(rows))
    for hop in (1, 8):
        assert find_overlaps(array, everybody(12), hop)[0] == []


def test_changes_of_short_and_constant_rows():
    array = SequenceArray.from_sequences([np.zeros(200), np.ones(40), np.zeros(200), None])
    assert not ranked_changes(array, 0).any()
    assert find_overlaps(array, everybody(4)) == ([], 1, 1)
