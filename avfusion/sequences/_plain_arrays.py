"""Arrays that know more than their numbers, masked ones and tensors, as arrays of numbers alone."""

import operator
from contextlib import contextmanager
from decimal import Decimal
from numbers import Real

import numpy as np
from pandas import NA, DataFrame, Series
from sklearn.utils import check_array

from avfusion.sequences._messages import brief

PLAIN = frozenset({float, int, bool, str, type(None)})


def plain_array(values):
    """Return a masked array with NaN where it is masked, a tensor as an array; anything else as it is.

    Parameters
    ----------
    values : object
        In a masked array of objects what is masked becomes None, in one of times NaT. A tensor may require a
        gradient, lie on a device, or have a type that numpy has not (bfloat16 becomes float32, which is
        exact).

    Returns
    -------
    numpy.ndarray or values

    Raises
    ------
    TypeError
        If a tensor is sparse or quantized.
    ValueError
        If a tensor has no numbers: it is on the device "meta".

    Examples
    --------
    >>> plain_array(np.ma.array([1, 2], mask=[False, True]))
    array([ 1., nan])
    >>> plain_array([1, 2])
    [1, 2]
    """
    if isinstance(values, np.ma.MaskedArray):
        return _unmasked(values)
    return _of_tensor(values) if is_tensor(values) else values


def plain_parts(values):
    """Return a list or tuple, or lists in it, with plain arrays in place of others; the same where all are.

    Examples
    --------
    >>> plain_parts([np.ma.array([1.0], mask=[True]), [2.0]])
    [array([nan]), [2.0]]
    """
    if not isinstance(values, (list, tuple)):
        return plain_array(values)
    if PLAIN.issuperset(map(type, values)):
        return values
    parts = [plain_parts(part) for part in values]
    return parts if any(map(operator.is_not, parts, values)) else values


@contextmanager
def within_floats():
    """Raise a ValueError where a library meets an integer beyond the range of floats.

    Examples
    --------
    >>> with within_floats():
    ...     np.array([10**400], dtype=object).astype(float)
    Traceback (most recent call last):
    ValueError: An integer is beyond the range of floats. Bring the numbers to another scale first.
    """
    try:
        yield
    except OverflowError as error:
        raise ValueError(
            "An integer is beyond the range of floats. Bring the numbers to another scale first."
        ) from error


def check_numbers(values, ensure_min_samples=1):
    """Return a numeric array of any number of axes, by scikit-learn's rules; NaN and infinity are let pass.

    Examples
    --------
    >>> check_numbers([[1, 2]])
    array([[1, 2]])
    """
    _check_no_text(values)
    with within_floats():
        return check_array(
            plain_parts(values),
            allow_nd=True,
            ensure_all_finite=False,
            ensure_min_samples=ensure_min_samples,
        )


def _check_no_text(values):
    """Name the column of a table that holds bytes or mappings."""
    if not isinstance(values, (DataFrame, Series)):
        return
    table = values.to_frame() if isinstance(values, Series) else values
    for place in np.flatnonzero([isinstance(kind, np.dtype) and kind.kind == "O" for kind in table.dtypes]):
        column = table.iloc[:, place]
        odd = next((cell for cell in column if isinstance(cell, (bytes, dict))), None)
        if odd is not None:
            raise ValueError(
                f"Column {brief(column.name, 30)} holds {type(odd).__name__}, such as {brief(odd, 30)}: "
                "make it numbers, or "
                "leave it out."
            )


def has_more(values):
    """Return whether values are a masked array or a tensor, which `plain_array` changes.

    Examples
    --------
    >>> has_more(np.ma.masked), has_more(1.0)
    (True, False)
    """
    return isinstance(values, np.ma.MaskedArray) or is_tensor(values)


def is_tensor(values):
    """Return whether values are a tensor of torch, by what it can do: torch need not be there.

    Examples
    --------
    >>> is_tensor(np.zeros(2))
    False
    """
    return hasattr(values, "requires_grad") and hasattr(values, "detach")


def whole_numbers(values, name):
    """Return numbers of steps or of the first of them.

    Parameters
    ----------
    values : array-like of int of shape (n_rows,)
    name : str
        What messages call them.

    Returns
    -------
    numpy.ndarray of int64 of shape (n_rows,)
        A copy.

    Raises
    ------
    TypeError
        If they are not whole numbers by their type.
    ValueError
        If one is masked, too large for int64, or they have not one axis.

    Examples
    --------
    >>> whole_numbers(np.array([3, 0], dtype="uint8"), "starts")
    array([3, 0])
    """
    if np.ma.is_masked(values):
        row = int(np.ma.getmaskarray(values).ravel().argmax())
        raise ValueError(f"{name} is masked in row {row}. Give every row its number; a missing row has -1.")
    values = np.asarray(_of_tensor(values) if is_tensor(values) else values)
    if values.ndim != 1:
        raise ValueError(f"{name} must have one axis, not the shape {values.shape}.")
    if values.dtype.kind not in "iu" and values.size:
        raise TypeError(f"{name} must be whole numbers, not of dtype {values.dtype}.")
    if values.dtype.kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
        row = int(values.argmax())
        raise ValueError(f"{name} is {values[row]} in row {row}, more than any array has frames.")
    return values.astype(np.int64)


def floats_of(array):
    """Return an array of objects as float64: real numbers, decimals and fractions; None and NA are NaN.

    Parameters
    ----------
    array : numpy.ndarray of object

    Returns
    -------
    numpy.ndarray of float64

    Raises
    ------
    TypeError
        If something in it is no real number.
    ValueError
        If a number is beyond the range of floats.

    Examples
    --------
    >>> floats_of(np.array([Decimal("0.5"), None, 2**60], dtype=object))
    array([5.0000000e-01,           nan, 1.1529215e+18])
    """
    numbers = np.empty(array.size)
    for place, value in enumerate(array.flat):
        numbers[place] = _float(value)
    return numbers.reshape(array.shape)


def _float(value):
    if type(value) is float:
        return value
    if value is None or value is NA or value is np.ma.masked:
        return np.nan
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, (Real, Decimal, np.bool_)):
        if value != value:  # NaT
            return np.nan
        raise TypeError(f"{brief(value)} is no real number. Convert it first.")
    try:
        return float(value)
    except (OverflowError, ValueError):
        raise ValueError(
            f"{brief(value, 24)} is beyond the range of floats, or no number at all. Bring the numbers to "
            "another scale first."
        ) from None


def _unmasked(values):
    if values.dtype.names is not None:
        raise TypeError("Masked arrays of records are not read. Give each field as an array of its own.")
    if not np.ma.is_masked(values):
        return values.data
    kind = values.dtype.kind
    if kind in "biu":
        values = values.astype(np.float64)
    if kind in "biufc":
        return values.filled(np.nan)
    if kind in "mM":
        return values.filled(np.array("NaT", dtype=values.dtype))
    objects = values.data.astype(object)
    objects[np.ma.getmaskarray(values)] = None
    return objects


def _of_tensor(values):
    if values.device.type == "meta":
        raise ValueError("A tensor on the device 'meta' has a shape, but no numbers. Load them first.")
    values = values.detach().cpu()
    if str(values.dtype).startswith(("torch.bfloat16", "torch.float8")):
        values = values.float()
    try:
        return np.asarray(values.resolve_conj().resolve_neg())
    except (RuntimeError, TypeError) as error:
        kind = f"{values.dtype}, {values.layout}"
        raise TypeError(f"A tensor ({kind}) cannot be read. Make it a dense one of plain numbers.") from error
