"""pandas' own test suite for extension arrays, whole, on columns of sequences."""

import functools

import numpy as np
import pandas as pd
import pytest
from pandas.tests.extension import base
from pandas.tests.extension.conftest import *  # noqa: F403  the suite's own fixtures

from avfusion.sequences import SequenceArray, SequenceDtype

A, B, C = [[0, 1]], [[2, 3], [4, np.nan]], [[5, 6]] * 3


@pytest.fixture(params=["ragged", "even"])
def column(request):
    """Make an array; cells of even lengths are a trap of their own, for numpy likes to stack them."""

    def make(*cells):
        if request.param == "even":
            cells = [cell and np.resize(np.ravel(cell), (4, 2)) for cell in cells]
        return SequenceArray.from_sequences(cells, dtype="float32", width=2, rate_hz=25)

    return make


@pytest.fixture
def dtype():
    return SequenceDtype("float32", 2, 25)


@pytest.fixture
def data(column):
    return column(A, B, *([[k, k]] * k for k in range(1, 9)))


@pytest.fixture
def data_missing(column):
    return column(None, A)


@pytest.fixture
def data_for_sorting(column):
    return column(B, C, A)


@pytest.fixture
def data_missing_for_sorting(column):
    return column(B, None, A)


@pytest.fixture
def data_for_grouping(column):
    return column(B, B, None, None, A, A, B, C)


def refused(name, error, message):
    """Expect the suite's test to end in the documented error."""
    suite_test = getattr(base.ExtensionTests, name)

    @functools.wraps(suite_test)
    def test(self, *args, **kwargs):
        with pytest.raises(error, match=message):
            suite_test(self, *args, **kwargs)

    return test


def unordered(name):
    """Sequences have no order: what sorts or ranks them raises, and never invents one."""
    return refused(name, TypeError, "'[<>]=?' not supported between instances of 'Sequence' and")


def frozen(name):
    """Rows share one buffer with other selections: what assigns in place raises, and changes nothing."""
    return refused(name, TypeError, "A SequenceArray is immutable")


@pytest.mark.works_with(
    "pandas", "the test suite for extension types; what it cannot do is listed with the reason"
)
class TestSequenceArray(base.ExtensionTests):
    """Everything in the suite holds but for what is listed here."""

    test_argmin_argmax = unordered("test_argmin_argmax")
    test_argsort = unordered("test_argsort")
    test_argsort_missing = unordered("test_argsort_missing")
    test_argsort_missing_array = unordered("test_argsort_missing_array")
    test_combine_le = unordered("test_combine_le")
    test_nargsort = unordered("test_nargsort")
    test_rank = unordered("test_rank")
    test_rank_method = unordered("test_rank_method")
    test_rank_missing = unordered("test_rank_missing")
    test_searchsorted = unordered("test_searchsorted")
    test_sort_inplace = unordered("test_sort_inplace")
    test_sort_inplace_descending = unordered("test_sort_inplace_descending")
    test_sort_inplace_na_position = unordered("test_sort_inplace_na_position")
    test_sort_values = unordered("test_sort_values")
    test_sort_values_missing = unordered("test_sort_values_missing")
    test_value_counts_with_normalize = unordered(
        "test_value_counts_with_normalize"
    )  # sorts the counted cells
    # groupby sorts the groups by default; sort=False works (test_groupby_extension_no_sort)
    test_groupby_extension_agg = unordered("test_groupby_extension_agg")
    test_groupby_extension_apply = unordered("test_groupby_extension_apply")
    test_groupby_extension_transform = unordered("test_groupby_extension_transform")

    test_fillna_copy_frame = frozen("test_fillna_copy_frame")
    test_fillna_copy_series = frozen("test_fillna_copy_series")
    test_shift_0_periods = frozen("test_shift_0_periods")
    test_where_series = frozen("test_where_series")  # where works; mask(inplace=True) at its end does not
    test_mask_listlike_other_inplace = frozen("test_mask_listlike_other_inplace")

    test_sort_values_frame = refused(
        "test_sort_values_frame", TypeError, "'values' is not ordered"
    )  # no order
    test_plot_on_y_axis = refused("test_plot_on_y_axis", TypeError, "no numeric data to plot")

    @pytest.mark.parametrize("op_name", ["idxmax", "idxmin", "argmax", "argmin"])
    def test_argreduce_series(self, data_missing_for_sorting, op_name):  # no order, but NA is seen first
        with pytest.raises(TypeError, match=r"'[<>]' not supported between instances of 'Sequence'"):
            getattr(pd.Series(data_missing_for_sorting), op_name)(skipna=True)
        with pytest.raises(ValueError, match="Encountered an NA value"):
            getattr(pd.Series(data_missing_for_sorting), op_name)(skipna=False)

    @pytest.mark.parametrize("order", [[2, 0, 1], [1, 0, 2], [2, 2, 2]])
    def test_is_monotonic_increasing(self, data_for_sorting, order):  # no order
        assert pd.Series(data_for_sorting.take(order)).is_monotonic_increasing is False

    @pytest.mark.parametrize("order", [[2, 0, 1], [1, 0, 2], [2, 2, 2]])
    def test_is_monotonic_decreasing(self, data_for_sorting, order):  # no order
        assert pd.Series(data_for_sorting.take(order)).is_monotonic_decreasing is False

    @pytest.mark.parametrize("dropna", [True, False])
    def test_value_counts(self, all_data, dropna):  # no order, so the result cannot be sorted to compare it
        counts = pd.Series(all_data.take([1, 1, *range(len(all_data))])).value_counts(dropna=dropna)
        assert counts[all_data[1]] == 3
        assert counts.sum() == len(all_data) + 2 - dropna * all_data.isna().sum()

    def _honors_copy_keyword(
        self, data
    ):  # nothing is ever changed in place, so fillna(copy=False) cannot fail
        return False
