import numpy as np
import pandas as pd
import pytest

from avfusion.sequences._cells import is_missing, located, stack_cells


@pytest.mark.parametrize("cell", [None, np.nan, pd.NA, pd.NaT, float("nan"), np.float32("nan")])
def test_missing(cell):
    assert is_missing(cell)


@pytest.mark.parametrize("cell", [[], [None], np.array([np.nan]), 0, "", np.zeros((2, 2))])
def test_not_missing(cell):
    assert not is_missing(cell)


def test_none_among_numbers_is_nan():
    frames, _, _ = stack_cells([[[1, None], [3, 4]]])
    np.testing.assert_array_equal(frames, [[1, np.nan], [3, 4]])


def test_masked_values_are_nan():
    frames, _, _ = stack_cells([np.ma.masked_equal([[1, 2], [3, 4]], 2)])
    np.testing.assert_array_equal(frames, [[1, np.nan], [3, 4]])


def test_numbers_as_text_are_refused():
    with pytest.raises(TypeError, match="In row 0: A sequence must hold real numbers"):
        stack_cells([np.array([1, "2"], dtype=object)])


def test_rows_are_named_as_asked():
    with pytest.raises(ValueError, match="in at 1 has 3 features per step, but that in at 0 has 2"):
        stack_cells([np.zeros((1, 2)), np.zeros((1, 3))], where="at {}".format)


def test_located_errors_are_plain():
    assert type(located(UnicodeDecodeError("ascii", b"", 0, 1, "x"), "row 1")) is ValueError
    assert type(located(np.exceptions.DTypePromotionError("x"), "row 1")) is TypeError
