"""Numbers on their way into a type of fewer digits: a warning where these cannot tell them apart."""

import functools
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from avfusion._warnings import warn_user
from avfusion.sequences._messages import brief

TOO_COARSE = 2e-3  # rounding by the range of a feature: about a hundredth of its standard deviation
NOISE = 1e-14  # range by size, below which a feature is constant but for the rounding of float64

AS_FLOAT64 = "read them by avfusion.as_sequences(..., dtype='float64')"
BLOCK = 1 << 16  # numbers that are looked at together
MANY = 1 << 8  # blocks

_WATCH = ContextVar("watch", default=None)


class Watch:
    """The ranges of features that are brought to a type of fewer digits, block after block.

    Zeros are left out, which every type holds: padding, and steps without a value.

    Parameters
    ----------
    name : str or None
        The modality, for the warning.
    remedy : str, optional
        What to do, beside subtracting a constant.

    Examples
    --------
    >>> watch = Watch("audio")
    >>> watch.see(np.array([[1.7e9, 0.5], [1.7e9 + 1, 0.0]]), np.dtype("float32"))
    >>> watch.coarse().tolist()
    [True, False]
    """

    def __init__(self, name=None, remedy=AS_FLOAT64):
        self.remedy = remedy
        self.name, self.dtype, self.low, self.high = name, None, None, None
        self._waiting = []

    def see(self, values, dtype):
        """Take note of numbers, (..., n_features), before they are brought to a type."""
        if not values.size or np.can_cast(values.dtype, dtype):
            return
        self.dtype = dtype
        self._waiting.append(values.reshape(-1, values.shape[-1]))
        if values.size > BLOCK or len(self._waiting) >= MANY:
            self._look()

    def _look(self):
        """Bring the ranges up to date: many short blocks at a time."""
        waiting, self._waiting = self._waiting, []
        if len({values.shape[1] for values in waiting}) != 1:  # what reads them says so
            return
        values = np.concatenate(waiting) if len(waiting) > 1 else waiting[0]
        if self.low is None or len(self.low) != values.shape[1]:
            self.low, self.high = (np.full(values.shape[1], sign * np.inf) for sign in (1, -1))
        n_rows = max(1, BLOCK // values.shape[1])
        for begin in range(0, len(values), n_rows):
            block = values[begin : begin + n_rows].astype(np.float64, copy=False)
            there = block != 0
            self.low = np.fmin.reduce(block, axis=0, where=there, initial=np.inf).clip(max=self.low)
            self.high = np.fmax.reduce(block, axis=0, where=there, initial=-np.inf).clip(min=self.high)

    def coarse(self):
        """Return for each feature whether its type cannot hold, or not tell apart, its numbers."""
        self._look()
        if self.low is None:
            return np.zeros(0, dtype=bool)
        limits = np.finfo(self.dtype)
        size = np.fmax(-self.low, self.high)
        with np.errstate(invalid="ignore", over="ignore"):
            spread = self.high - self.low
            varies = np.isfinite(size) & (spread > NOISE * size)
            lost = (limits.eps / 2 * size > TOO_COARSE * spread) | (size < float(limits.tiny))
            return (varies & lost) | (np.isfinite(size) & (size > float(limits.max)))

    def drop(self, columns):
        """Forget features, by their positions."""
        self._look()
        if self.low is not None:
            self.low, self.high = (np.delete(part, [*columns]) for part in (self.low, self.high))

    def warn(self):
        """Warn of the first feature of which much is lost."""
        coarse = np.flatnonzero(self.coarse())
        if not len(coarse):
            return
        k, more = coarse[0], f" (and {len(coarse) - 1} more)" if len(coarse) > 1 else ""
        where = "" if self.name is None else f"Column {brief(self.name, 40)}: "
        warn_user(
            f"{where}{self.dtype} cannot hold, or not tell apart, numbers of feature {k}{more}, from "
            f"{self.low[k]:.10g} to {self.high[k]:.10g}. Subtract a constant, or "
            f"{self.remedy}.",
        )


def narrowed(values, dtype):
    """Return an array in a type, and have it seen by whoever watches.

    Examples
    --------
    >>> narrowed(np.array([[0.5]]), np.float32)
    array([[0.5]], dtype=float32)
    """
    watch = _WATCH.get()
    if watch is not None:
        watch.see(values, np.dtype(dtype))
    return values.astype(dtype, copy=False)


@contextmanager
def watching(name):
    """Warn, at the end, where numbers that were brought to a type of fewer digits lost theirs.

    Parameters
    ----------
    name : str or None
        The modality. Within another watch it is that one which warns.

    Examples
    --------
    >>> with watching("audio"):
    ...     narrowed(np.array([[0.5]]), np.float32).dtype
    dtype('float32')
    """
    if _WATCH.get() is not None:
        yield
        return
    watch = Watch(name)
    token = _WATCH.set(watch)
    try:
        with np.errstate(over="ignore"):  # the warning says so, with a name
            yield
    finally:
        _WATCH.reset(token)
    watch.warn()


def watched(function):
    """Make a function of (values, name, ...) warn as `watching` does.

    Examples
    --------
    >>> read = watched(lambda values, name: narrowed(np.asarray(values), np.float32))
    >>> read([[0.1]], "audio").dtype
    dtype('float32')
    """

    @functools.wraps(function)
    def within(values, name, *args, **kwargs):
        with watching(name):
            return function(values, name, *args, **kwargs)

    return within
