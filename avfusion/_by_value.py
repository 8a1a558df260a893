"""Pickles of estimators whose classes and functions no module holds: these are written with them."""

import os
import pickle

import cloudpickle
import joblib

_CANNOT = (pickle.PicklingError, TypeError, AttributeError, RuntimeError)


def dump(value, opened):
    """Write an object as joblib does; classes and functions that cannot be imported are written with it.

    Parameters
    ----------
    value : object
    opened : callable
        ``opened(by_value)`` is the context of an empty binary file. It is told whether code is written, too,
        which only this version of Python can read.

    Raises
    ------
    ValueError
        If something in it, such as an open file, cannot be pickled.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> file.close = lambda: file.seek(0)
    >>> dump(lambda x: x + 1, lambda by_value: file)
    >>> joblib.load(file)(1)
    2
    """
    try:
        with opened(False) as file:
            joblib.dump(value, file)
    except _CANNOT:
        try:
            with opened(True) as file:
                cloudpickle.dump(value, file)
        except _CANNOT as error:
            raise ValueError(
                f"The {type(value).__name__} cannot be saved ({type(error).__name__}: {error}). Leave out "
                "what no file can hold, such as open files, locks and generators."
            ) from error


def check_can_be_saved(value):
    """Raise an error if an object cannot be pickled, before any work is put into it.

    Parameters
    ----------
    value : object

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_can_be_saved([lambda x: x])
    >>> check_can_be_saved(number for number in [1])
    Traceback (most recent call last):
    ...
    ValueError: The generator cannot be saved (TypeError: cannot pickle 'generator' object). Leave out...
    """
    dump(value, _nowhere)


def _nowhere(by_value):
    return open(os.devnull, "wb")  # noqa: SIM115: closed by who writes
