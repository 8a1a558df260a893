import numpy as np
import pytest

from avfusion.model_selection.leakage._candidates import Candidates
from avfusion.model_selection.leakage._parted import PartedRows
from avfusion.model_selection.leakage._shifts import Shifts, ranked_changes
from avfusion.sequences._array import SequenceArray


@pytest.mark.parametrize("kind", ["noise", "one feature", "silence"])
def test_no_pair_that_reaches_the_evidence_is_passed_over(kind):
    """Stretches of all lengths are shared, of rows of all lengths; each pair is looked at closely here."""
    rng = np.random.default_rng(0)
    film = rng.normal(size=(900, 1 if kind == "one feature" else 3))
    if kind == "silence":
        film[200:600] *= rng.random((400, 1)) < 0.05
    cuts = [(begin, begin + length) for begin in range(0, 700, 60) for length in (60, 150, 200)]
    rows = [film[begin:end] + 0.6 * rng.normal(size=(end - begin, film.shape[1])) for begin, end in cuts]
    array = SequenceArray.from_sequences(rows)
    changes = [ranked_changes(array, row) for row in range(len(rows))]
    everybody = np.arange(len(rows))
    lengths = np.array([len(own) for own in changes])
    parted = PartedRows([(everybody, everybody)], len(rows))
    candidates = Candidates(changes, lengths, parted, 5.0, 1e9)
    found = {(i, j): Shifts(changes[i], changes[j], products).best() for i, j, products in candidates}
    n_pairs = len(rows) * (len(rows) - 1) // 2
    assert candidates.n_compared == n_pairs
    reached = 0
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            expected = Shifts(changes[i], changes[j]).best()
            if expected[1] >= 5.0:
                reached += 1
                assert found[i, j] == pytest.approx(expected, rel=1e-3)
    assert reached > 20
    if kind == "noise":
        assert len(found) < n_pairs / 2


def test_beyond_the_work_neighbours_and_a_sample_are_compared(monkeypatch):
    monkeypatch.setattr("avfusion.model_selection.leakage._candidates.BLOCK_BYTES", 1e6)
    rng = np.random.default_rng(0)
    changes = [rng.normal(size=(60, 2)).astype(np.float16) for _ in range(600)]
    parted = PartedRows([(np.arange(600), np.arange(600))], 600)
    runs = [
        Candidates(changes, np.full(600, 60), parted, 2.0, 4e6) for _ in range(2)
    ]  # evidence that some reach by chance
    first, again = ([pair[:2] for pair in run] for run in runs)
    assert first == again
    apart = np.array([other - one for one, other in first])
    assert runs[0].n_compared < 0.3 * 600 * 599 / 2
    assert (apart < 60).sum() > 50
    assert (apart > 300).sum() > 10
