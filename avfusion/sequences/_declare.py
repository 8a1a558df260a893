"""Declare when the steps of columns happen: rates and starts, of all rows or of each."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion.sequences._clock import check_rate, per_row, per_row_rates
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._messages import quoted


def declare_time(X, names, rate_hz=None, start_s=None):
    """Return X with the rates and starts that are declared.

    Parameters
    ----------
    X : pandas.DataFrame
    names : list of str
        Its sequence columns.
    rate_hz, start_s : None, float, str, array-like of shape (n_rows,), or mapping of str to these
        Of all columns, or of each. A string is a column of metadata with one value for each row.

    Returns
    -------
    pandas.DataFrame
        With the same frames.

    Raises
    ------
    ValueError
        If a column is unknown, or has another rate already.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> X = as_sequences({"audio": [[1.0, 2.0], [3.0]]}).assign(fps=[25, 30])
    >>> declare_time(X, ["audio"], "fps")["audio"].dtype
    sequence[float32, 1, rates]
    """
    rates = _by_column(rate_hz, names, "rate_hz")
    starts = _by_column(start_s, names, "start_s")
    columns = {}
    for name in names:
        rate = _values(rates.get(name), X, name, "rate_hz")
        start = _values(starts.get(name), X, name, "start_s")
        if rate is None and start is None:
            continue
        try:
            columns[name] = _declared(X[name].array, rate, start)
        except ValueError as error:
            raise ValueError(f"In column {name!r}: {error}") from None
    return X.assign(**columns) if columns else X


def timed_as_in_fit(X, rates_hz):
    """Return X with the rates of `fit` where a column knows no time, as one of nested lists from JSON.

    Parameters
    ----------
    X : pandas.DataFrame
    rates_hz : mapping of str to (float or None)
        The rate of each column in `fit`.

    Returns
    -------
    pandas.DataFrame
        With the same frames.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> timed_as_in_fit(as_sequences({"audio": [[1.0, 2.0]]}), {"audio": 25.0})["audio"].dtype
    sequence[float32, 1, 25Hz]
    """
    columns = {
        name: X[name].array.with_clock(rate)
        for name, rate in rates_hz.items()
        if rate is not None and name in X.columns and not X[name].dtype.timed
    }
    return X.assign(**columns) if columns else X


def _by_column(values, names, what):
    if not isinstance(values, Mapping):
        return dict.fromkeys(names, values)
    unknown = [name for name in values if name not in names]
    if unknown:
        raise ValueError(f"{what} has {unknown[0]!r}, but the modalities are {quoted(names)}.")
    return values


def _values(values, X, name, what):
    """Return one number, or one for each row: from a column of metadata, from a Series by its labels."""
    if isinstance(values, pd.Series):
        if values.index.symmetric_difference(X.index).empty and values.index.is_unique:
            values = values.reindex(X.index)
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if not isinstance(values, str):
        return values
    if values not in X.columns or values == name:
        metadata = quoted(c for c in X.columns if not isinstance(X.dtypes[c], SequenceDtype))
        raise ValueError(
            f"{what}={values!r} is no column of metadata, of which there are {metadata or 'none'}. Give a "
            "number, or one for each row."
        )
    if not pd.api.types.is_any_real_numeric_dtype(X[values].dtype):
        raise TypeError(f"{what}={values!r} names a column of {X[values].dtype}. It must hold numbers.")
    return X[values].to_numpy(dtype=np.float64, na_value=np.nan)


def _declared(array, rate, start):
    n_rows = len(array)
    if array.dtype.clock == "times":
        raise ValueError("Its steps have times already. Leave rate_hz and start_s out, or use Align.")
    if rate is None:
        start = per_row(start, n_rows, "start_s")
        rate = array.rate_hz if array.dtype.clock is None else array.rates_hz
        return array.with_clock(rate, start_s=start)
    rate_hz, rates_hz = per_row_rates(rate, n_rows)
    if rates_hz is not None:
        present = ~array.isna()
        distinct = np.unique(rates_hz[present])
        if len(distinct) == 1:
            rate_hz, rates_hz = check_rate(distinct[0]), None
    wanted = np.full(n_rows, rate_hz) if rates_hz is None else rates_hz
    known = array.rates_hz
    other = np.flatnonzero(~np.isnan(known) & (known != wanted) & ~array.isna())
    if len(other):
        raise ValueError(
            f"Sequences at {known[other[0]]:g} Hz cannot be relabelled as {wanted[other[0]]:g} Hz. Use Align."
        )
    if start is None:
        start = None if np.isnan(array.starts_s).all() else array.starts_s
    return array.with_clock(rate_hz if rates_hz is None else rates_hz, start_s=start)
