"""Numeric arrays with a row per recording, padded or not."""

from collections.abc import Mapping

import numpy as np

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._messages import quoted
from avfusion.sequences._narrowing import narrowed, watching
from avfusion.sequences._plain_arrays import check_numbers, plain_array
from avfusion.sequences._readings import check_axes, pads_front, steps_first


def is_padded_pair(data):
    """Return whether the data is an array (n, T, D) with the lengths or the mask of its present steps.

    Examples
    --------
    >>> import numpy as np
    >>> is_padded_pair((np.zeros((2, 5, 3)), [5, 2])), is_padded_pair((np.zeros((5, 3)), np.zeros((2, 3))))
    (True, False)
    """
    return isinstance(data, tuple) and len(data) == 2 and np.ndim(data[0]) == 3


def frames_and_extent(data):
    """Take ``(array, extent)``, or the mapping that spells it out, apart.

    Parameters
    ----------
    data : tuple or mapping
        A mapping has the keys "frames" and "lengths", or "frames" and "mask".

    Returns
    -------
    frames, extent : array-like

    Raises
    ------
    ValueError
        If a mapping has other keys.

    Examples
    --------
    >>> frames_and_extent({"frames": [[[1.0]]], "lengths": [1]})
    ([[[1.0]]], [1])
    """
    if not isinstance(data, Mapping):
        return data
    for extent in ("lengths", "mask"):
        if set(data) == {"frames", extent}:
            return data["frames"], data[extent]
    raise ValueError(f'The keys must be "frames" and "lengths" or "mask", not {quoted(data)}.')


def read_padded(array, extent, dtype, width=None, name=None):
    """Make a column of an array with a row per recording.

    Parameters
    ----------
    array : array-like of shape (n, T, D) or (n, D)
        (n, D) has one step per row.
    extent : None, array-like of int of shape (n,) or of bool of shape (n, T)
        The lengths, or the mask of the steps that exist, wherever they are; None if all exist.
    dtype : numpy dtype or None
        Floating dtype of the column; None or an array (n, D) keeps that of the array.
    width : int, optional
        Number of features, which says which of the last two axes they are on.
    name : str, optional
        The modality, for messages.

    Returns
    -------
    SequenceArray
        Over the memory of the array where nothing is converted and there is no mask. Rows whose padding lies
        in front, as zeros or NaN where the steps behind are not, are read from their end.

    Raises
    ------
    TypeError
        If the array is sparse.
    ValueError
        If the array is not of real numbers, of other shape, or does not agree with `extent`.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([[False, True, True], [False, False, True]])
    >>> read_padded(np.arange(6.0).reshape(2, 3, 1), mask, None)[0].frames.ravel()
    array([1., 2.])
    """
    array = check_numbers(array, ensure_min_samples=0)
    if array.ndim > 3:
        raise ValueError(f"An array must have the axes (rows, steps, features), not the shape {array.shape}.")
    if array.ndim == 2:
        array, dtype = array[:, None], None
    elif extent is None and width is None:
        check_axes(array.shape, name)
    array = steps_first(array, width)
    n_rows, n_steps, width = array.shape
    frames = array.reshape(n_rows * n_steps, width)
    if dtype is not None:
        with watching(name):
            frames = narrowed(frames, dtype)
    extent = np.full(n_rows, n_steps) if extent is None else _check_extent(extent, array.shape)
    if extent.ndim == 2:
        _check_mask(array, extent)
        return SequenceArray.from_packed(frames[extent.ravel()], extent.sum(axis=1))
    shift = n_steps - extent if pads_front(array, extent) else 0
    return SequenceArray(frames, np.arange(n_rows) * n_steps + shift, extent)


def _check_mask(array, mask):
    """Refuse a mask of padding: what it takes is all zero, and what it leaves away is not."""
    taken, left = array[mask], array[~mask]
    if taken.size and left.size and not np.any(taken) and np.any(left[~np.isnan(left)]):
        raise ValueError(
            "mask is True where steps exist, but all of these are zero, and others are not. If True stands "
            "for padding, give ~mask."
        )


def _check_extent(extent, shape):
    if np.ma.is_masked(extent):
        raise ValueError("The lengths, or the mask of the steps that exist, are masked themselves.")
    extent = np.asarray(plain_array(extent))
    n_rows, n_steps, _ = shape
    if extent.dtype == bool and extent.shape == (n_rows, n_steps):
        return extent
    if extent.dtype.kind not in "iu" or extent.shape != (n_rows,):
        raise ValueError(
            f"An array of shape {shape} needs lengths of shape ({n_rows},) or a boolean mask of shape "
            f"({n_rows}, {n_steps}), not {extent.dtype} of shape {extent.shape}."
        )
    bad = (extent < 0) | (extent > n_steps)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"Row {row} has length {extent[row]}, but it must be within 0 to {n_steps}.")
    return extent
