import numpy as np
import pytest

from avfusion.model_selection.leakage._shifts import Shifts


def test_agrees_with_the_obvious_search():
    rng = np.random.default_rng(1)
    film = rng.normal(size=(400, 2))
    one, other = film[:250] + 0.5 * rng.normal(size=(250, 2)), film[180:]
    shifts = Shifts(one, other)
    for at in range(0, len(shifts.shift), 7):
        begin, steps = shifts.begin[at], shifts.steps[at]
        a, b = one[begin : begin + steps], other[begin - shifts.shift[at] :][:steps]
        assert len(a) == len(b)
        assert shifts.correlation[at] == pytest.approx(
            np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2)), abs=1e-5
        )
    assert shifts.shift[[0, -1]].tolist() == [49 - 220, 250 - 49]
    assert shifts.best()[2:] == (180, 0, 70)
    assert shifts.best()[0] == pytest.approx(0.9, abs=0.05)
