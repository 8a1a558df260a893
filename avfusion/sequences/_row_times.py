"""Time of the rows of a column, and names of their features."""

import numpy as np
from pandas.api.extensions import no_default

from avfusion.sequences._buffers import gather
from avfusion.sequences._clock import regular_times
from avfusion.sequences._messages import quoted
from avfusion.sequences._sequence import check_features


class RowTimes:
    """The part of `SequenceArray` that is about time and names.

    Nothing here changes an array; what says something else of time or names returns another one.
    """

    @property
    def rates_hz(self):
        """Steps per second of each row, NaN where not known."""
        if self._rates_hz is not None:
            return self._rates_hz
        return np.full(len(self), np.nan if self.rate_hz is None else self.rate_hz)

    @property
    def starts_s(self):
        """When the first step of each row begins, in seconds, NaN where it is not declared."""
        if self._times_s is not None:
            first = np.full(len(self), np.nan)
            rows = np.flatnonzero(self._lengths > 0)
            first[rows] = self._times_s[self._starts[rows], 0]
            return first
        return np.full(len(self), np.nan) if self._starts_s is None else self._starts_s

    def step_times(self):
        """Return begin and end in seconds of all steps of the rows, one row after the other.

        Returns
        -------
        numpy.ndarray of float64 of shape (N, 2) or None
            Aligned with ``array.pack().frames``; None where no time is known. An instant ends when it begins.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> SequenceArray.from_sequences([[1.0, 2.0], [3.0]], rate_hz=2).step_times().tolist()
        [[0.0, 0.5], [0.5, 1.0], [0.0, 0.5]]
        """
        if self._times_s is not None:
            return gather(self._times_s, self._starts, self._lengths)
        return regular_times(self._lengths, self.rates_hz, self.starts_s) if self._dtype.timed else None

    def with_clock(self, rate_hz=None, start_s=None, times_s=None):
        """Return the same column with another clock, without looking at the one it has.

        Parameters
        ----------
        rate_hz, start_s, times_s : float or array-like
            As for the class; times are those of the buffer `frames`.

        Returns
        -------
        SequenceArray
            Over the same frames.

        Raises
        ------
        TypeError, ValueError
            As the class.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> SequenceArray.from_sequences([[1, 2]]).with_clock(2, start_s=15.5)[0]
        Sequence(2 x 1, 1.0 s from 15.5 s)
        """
        new = type(self)(self._frames, self._starts, self._lengths, rate_hz, start_s=start_s, times_s=times_s)
        return new._trusted(**new._parts(frames=self._frames, features=self._features))

    def with_frames(self, frames, rate_hz=no_default):
        """Give the rows new frames, as many as before: what a frame-wise transformer made of them.

        Parameters
        ----------
        frames : array-like of shape (N, D')
            Aligned with ``array.pack().frames``.
        rate_hz : float, optional
            Steps per second; by default the clock stays as it was.

        Returns
        -------
        SequenceArray
            The same lengths, missing rows and times. The features have no names: they are others.

        Raises
        ------
        ValueError
            If the number of frames is another.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> column = SequenceArray.from_sequences([[1, 2], None, [3]])
        >>> column.with_frames(column.pack().frames * 10)[2].frames
        array([[30.]])
        """
        total = int(np.maximum(self._lengths, 0).sum())
        if len(frames) != total:
            raise ValueError(
                f"frames has {len(frames)} frames, but the rows have {total} together. Give one for each."
            )
        if rate_hz is not no_default:
            return self.from_packed(frames, self._lengths, rate_hz)
        packed = self.pack()
        rate_hz = self.rate_hz if self._rates_hz is None else self._rates_hz
        return self.from_packed(
            frames, self._lengths, rate_hz, start_s=self._starts_s, times_s=packed._times_s
        )

    def with_features(self, features):
        """Return the same column with other names of its features.

        Parameters
        ----------
        features : iterable of str or None
            One for each feature, all different; None for no names.

        Returns
        -------
        SequenceArray
            Over the same frames.

        Raises
        ------
        ValueError
            If there are not as many names as features, or two are the same.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> SequenceArray.from_sequences([[1, 2]]).with_features(["rms"]).features
        ('rms',)
        """
        return self._trusted(**self._parts(features=check_features(features, self.width)))

    def in_order(self, features):
        """Return the column with its features in another order.

        Parameters
        ----------
        features : tuple of str
            The names that the column has, in the order to give them.

        Returns
        -------
        SequenceArray
            The column itself where the order is the same, or nothing is known of names.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> column = SequenceArray.from_sequences([[[1, 2]]]).with_features(["rms", "pitch"])
        >>> column.in_order(("pitch", "rms"))[0].frames
        array([[2., 1.]])
        """
        if features is None or self._features is None or self._features == features:
            return self
        if set(features) != set(self._features):
            missing = quoted([name for name in features if name not in self._features], limit=3)
            raise ValueError(
                f"The features {missing} are not there; those of the column are "
                f"{quoted(self._features, limit=3)}. Give it the features of fit, by name."
            )
        order = [self._features.index(name) for name in features]
        packed = self.pack()
        return self._trusted(**packed._parts(frames=packed._frames[:, order], features=features))

    def _retimed(self, dtype):
        """Return the array with what is known of time as another dtype has it; refuse to change it."""
        none = {"rate_hz": None, "rates_hz": None, "starts_s": None, "times_s": None}
        if not dtype.timed:
            return self._trusted(**self._parts(**none))
        present = ~self.isna()
        if dtype.clock == "times":
            if not self.dtype.timed and present.any():
                raise ValueError("Nothing is known of when the steps are. Give their times to as_sequences.")
            packed = self.pack()
            times = packed.step_times()
            times = np.empty((0, 2)) if times is None else times
            if len(times) < len(packed._frames):  # frames behind the last row
                packed = packed._trusted(**packed._parts(frames=packed._frames[: len(times)]))
            return self._trusted(**packed._parts(**none | {"times_s": times}))
        if self.dtype.clock == "times" and present.any():
            raise ValueError(f"Sequences with a time for each step cannot become {dtype}. Use Align.")
        if dtype.clock == "rates":
            if not self.dtype.timed and present.any():
                raise ValueError("Nothing is known of the rates of the rows. Give them to as_sequences.")
            return self._trusted(**self._parts(rate_hz=None, rates_hz=np.array(self.rates_hz), times_s=None))
        others = self.rates_hz[present & (self.rates_hz != dtype.rate_hz) & ~np.isnan(self.rates_hz)]
        if len(others):
            raise ValueError(
                f"Sequences at {others[0]:g} Hz cannot be relabelled as {dtype.rate_hz:g} Hz. Use Align."
            )
        return self._trusted(**self._parts(rate_hz=dtype.rate_hz, rates_hz=None, times_s=None))

    def _with_common_rate(self):
        """Return the array with the rate in its dtype, if all rows that are there have the same."""
        if self._rates_hz is None:
            return self
        rates = np.unique(self._rates_hz[~np.isnan(self._rates_hz)])
        return (
            self._trusted(**self._parts(rate_hz=float(rates[0]), rates_hz=None)) if len(rates) == 1 else self
        )
