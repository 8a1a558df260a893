"""The dtype of a column of sequences."""

import re

import numpy as np
from pandas import NA
from pandas.api.extensions import ExtensionDtype, register_extension_dtype

from avfusion.sequences._clock import CLOCKS, check_rate
from avfusion.sequences._sequence import Sequence, check_float

_PATTERN = re.compile(r"sequence\[\s*(\w+)\s*,\s*(\d+)\s*(?:,\s*(?:(rates|times)|([-+.\w]+?)\s*Hz)\s*)?\]")


@register_extension_dtype
class SequenceDtype(ExtensionDtype):
    """The dtype of a column of sequences: what all its rows share.

    Parameters
    ----------
    subtype : numpy dtype, default="float32"
        One of float16, float32 and float64.
    width : int, default=1
        Features per step.
    rate_hz : float, optional
        Steps per second, if all rows have the same.
    clock : {"rates", "times"}, optional
        Instead: that each row has a rate of its own, or each step its time.

    Raises
    ------
    TypeError
        If `subtype` is not one of the three floating dtypes, or `width` or `rate_hz` is not a number.
    ValueError
        If `width` or `rate_hz` is not positive, or `clock` is another or given beside `rate_hz`.

    Examples
    --------
    >>> import pandas as pd
    >>> SequenceDtype("float32", 512, rate_hz=25)
    sequence[float32, 512, 25Hz]
    >>> pd.Series([[[1, 2], [3, 4]], None], dtype="sequence[float32, 2]")
    0    2 x 2
    1     <NA>
    dtype: sequence[float32, 2]
    """

    type = Sequence
    na_value = NA
    kind = "O"
    _is_immutable = True
    _metadata = ("subtype", "width", "rate_hz", "clock")

    def __init__(self, subtype="float32", width=1, rate_hz=None, clock=None):
        subtype = check_float(subtype)
        if isinstance(width, bool) or not isinstance(width, (int, np.integer)):
            raise TypeError(f"width must be a whole number of features per step, not {width!r}.")
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}.")
        if clock not in (None, *CLOCKS) or (clock is not None and rate_hz is not None):
            raise ValueError(f'clock must be "rates" or "times", without a rate_hz beside it, not {clock!r}.')
        self.subtype, self.width, self.rate_hz, self.clock = subtype, int(width), check_rate(rate_hz), clock

    @property
    def name(self):
        """The dtype as a string, from which it can be made again."""
        time = "" if self.clock is None else f", {self.clock}"
        if self.rate_hz is not None:
            time = f", {repr(self.rate_hz).removesuffix('.0')}Hz"
        return f"sequence[{self.subtype.name}, {self.width}{time}]"

    @property
    def timed(self):
        """Return whether something is known of when steps happen."""
        return self.rate_hz is not None or self.clock is not None

    @classmethod
    def construct_from_string(cls, string):
        """Make the dtype from a string such as ``sequence[float32, 512, 25Hz]``.

        Parameters
        ----------
        string : str
            Subtype, features per step and, where known, steps per second, ``rates`` or ``times``.

        Returns
        -------
        SequenceDtype
            With this subtype, width and clock.

        Raises
        ------
        TypeError
            If the string is not of that form.

        Examples
        --------
        >>> SequenceDtype.construct_from_string("sequence[float64, 3]").width
        3
        """
        if not isinstance(string, str):
            raise TypeError(f"'construct_from_string' expects a string, got {type(string)}.")
        match = _PATTERN.fullmatch(string)
        try:
            subtype, width, clock, rate_hz = match.groups()
            return cls(subtype, int(width), None if rate_hz is None else float(rate_hz), clock)
        except (AttributeError, TypeError, ValueError) as error:
            form = "Its form is 'sequence[float32, 512]' or 'sequence[float32, 512, 25Hz]'."
            reason = error if match else form
            raise TypeError(f"Cannot construct a '{cls.__name__}' from '{string}'. {reason}") from None

    @classmethod
    def construct_array_type(cls):
        """Return the class of arrays of this dtype, `SequenceArray`."""
        from avfusion.sequences._array import SequenceArray

        return SequenceArray

    def _get_common_dtype(self, dtypes):
        if not all(isinstance(d, SequenceDtype) for d in dtypes):
            return None
        if len({d.width for d in dtypes}) > 1:
            return None
        subtype = np.result_type(*(d.subtype for d in dtypes))
        if len({(d.rate_hz, d.clock) for d in dtypes}) == 1:
            return SequenceDtype(subtype, self.width, self.rate_hz, self.clock)
        if not all(d.timed for d in dtypes):
            return None  # nothing is known of some rows
        clock = "times" if any(d.clock == "times" for d in dtypes) else "rates"
        return SequenceDtype(subtype, self.width, clock=clock)

    def __from_arrow__(self, array):
        """Make a `SequenceArray` from an Arrow array or chunked array of sequences."""
        return self.construct_array_type()._from_arrow(array, self)

    def __repr__(self):
        return self.name
