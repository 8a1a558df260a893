"""Fitted state read off the data of `fit`: one frozen object, set in one place."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from avfusion._sklearn_compat import CallbackSupportMixin
from avfusion.sequences._finite import check_predicted
from avfusion.sequences._messages import quoted
from avfusion.sequences._target_form import TargetForm


@dataclass(frozen=True, eq=False)
class DataSpec:
    """The form of the data of `fit`, with which later data are compared and which predictions take.

    `Recordings.spec` makes one of the data.

    Parameters
    ----------
    widths : mapping of str to int
        Features per step of the modalities in use, in their order.
    rates_hz : mapping of str to (float or None)
        The rate that each of them declared, in steps per second.
    n_columns : int
        Number of columns of X.
    column_names : ndarray of object, optional
        Their names, where X has names.
    is_table : bool, default=False
        Whether X was a two-dimensional table of numbers.
    in_step : tuple of str, default=()
        The modalities that have a step for each step of a row.
    companions : tuple of str, default=()
        Other sequence columns that were in step with these, which can stand in for them where the length of a
        row is asked for.
    target_form : TargetForm, optional
        The form of y.
    target_mean, target_scale : ndarray of shape (n_targets,), optional
        A label is ``target_mean + target_scale * scaled label``.
    dtype : numpy.dtype, optional
        Type of the numbers that were trained on.
    features : mapping of str to (tuple of str or None), optional
        Names of the features of each modality, where they are known.
    longest : int, default=1
        Steps of the longest row.

    Examples
    --------
    >>> spec = DataSpec({"audio": 88}, {"audio": 25.0}, n_columns=3, in_step=("audio",))
    >>> spec.rate_hz
    25.0
    """

    widths: Mapping
    rates_hz: Mapping
    n_columns: int
    column_names: np.ndarray | None = None
    is_table: bool = False
    in_step: tuple = ()
    companions: tuple = ()
    target_form: TargetForm | None = None
    target_mean: np.ndarray | None = None
    target_scale: np.ndarray | None = None
    dtype: np.dtype | None = None
    features: Mapping | None = None
    longest: int = 1

    @property
    def names(self) -> list:
        """Names of the modalities in use."""
        return list(self.widths)

    @property
    def rate_hz(self) -> float | None:
        """The rate in Hz that the streams in step declare; None if none does."""
        return max((self.rates_hz[n] for n in self.in_step if self.rates_hz[n] is not None), default=None)

    @property
    def per_frame(self) -> bool:
        """Return whether there is a label for each step."""
        return self.target_form.per_frame

    def check_same_kind(self, is_table, names, caller):
        """Raise unless X is a table where it was one in `fit`, and sequences where it was sequences.

        Parameters
        ----------
        is_table : bool
            Whether X is a table of numbers.
        names : list of str
            Its sequence columns.
        caller : str
            Name of the estimator.

        Raises
        ------
        ValueError
            Naming the columns.
        """
        if self.is_table and not is_table:
            raise ValueError(
                f"{caller} was fitted on a 2-D table of numbers, but X has sequence columns "
                f"{quoted(names)}. Fit it on such columns."
            )
        if is_table and not self.is_table:
            raise ValueError(
                f"{caller} was fitted on the sequence columns {quoted(self.widths)}, but X has none. "
                "Make them with avfusion.as_sequences."
            )

    def check_same_streams(self, widths, caller):
        """Raise unless X has the modalities of `fit`, each with the width that it had there.

        Parameters
        ----------
        widths : mapping of str to int
            Widths of the sequence columns of X.
        caller : str
            Name of the estimator.

        Raises
        ------
        ValueError
            If one is missing or has another width.

        Examples
        --------
        >>> DataSpec({"audio": 1}, {"audio": None}, n_columns=1).check_same_streams({"audio": 1}, "Ridge")
        """
        missing = [name for name in self.widths if name not in widths]
        if missing:
            raise ValueError(
                f"X lacks sequence columns that {caller} was fitted on: {quoted(missing)}. "
                "An absent stream is a column of missing values."
            )
        for name, width in self.widths.items():
            if widths[name] != width:
                raise ValueError(
                    f"Column {name!r} has {widths[name]} features per frame, but {caller} was fitted on "
                    f"{width}. Give it the features of fit, or fit it again."
                )

    def scaled(self, labels):
        """Bring labels (n, n_targets) to the scale of training."""
        return (labels - self.target_mean) / self.target_scale

    def predictions(self, values, lengths=None, index=None, clock=None):
        """Bring predictions from the scale of training to that of y, and into its form.

        Parameters
        ----------
        values : ndarray of shape (n_steps, n_targets) per frame, else (n_rows, n_targets)
            Predictions, rows one after the other.
        lengths : ndarray of shape (n_rows,), optional
            Steps of each row; needed for labels per frame.
        index : pandas.Index, optional
            Of the rows.
        clock : RowClock, optional
            When the steps are.

        Returns
        -------
        DataFrame, Series or ndarray

        Raises
        ------
        ValueError
            If a prediction is NaN or infinite.
        """
        values = values * self.target_scale + self.target_mean
        lengths = lengths if self.per_frame else None
        check_predicted(values, self.target_form, lengths, index)
        return self.target_form.wrap(values, lengths, index, clock)


class FittedToData(CallbackSupportMixin):
    """Attributes of whatever was fitted to data, all of them read from ``spec_``, which `fit` sets.

    Examples
    --------
    >>> class Estimator(FittedToData):
    ...     def fit(self):
    ...         self.spec_ = DataSpec({"audio": 88}, {"audio": 25.0}, n_columns=2)
    ...         return self
    >>> Estimator().fit().modalities_, hasattr(Estimator(), "modalities_")
    ({'audio': 88}, False)
    """

    spec_: DataSpec

    def __sklearn_is_fitted__(self):
        return hasattr(self, "spec_")

    @property
    def modalities_(self):
        """Names and widths of the streams, dict of str to int."""
        return dict(self.spec_.widths)

    @property
    def n_features_in_(self):
        """Number of columns of X."""
        return self.spec_.n_columns

    @property
    def feature_names_in_(self):
        """Names of the columns of X, where it has names."""
        if self.spec_.column_names is None:
            raise AttributeError("X had no column names in fit.")
        return self.spec_.column_names


class RegressorFittedToData(FittedToData):
    """The same for regressors, which remember y too.

    Examples
    --------
    >>> hasattr(RegressorFittedToData(), "target_form_")
    False
    """

    @property
    def rate_hz_(self):
        """The rate in Hz that the streams declared in `fit`, None if none did."""
        return self.spec_.rate_hz

    @property
    def target_form_(self):
        """The form in which y was given, and in which predictions are given back."""
        return self.spec_.target_form

    @property
    def target_mean_(self):
        """Mean of each target in training, ndarray of shape (n_targets,); zeros where it was not used."""
        return self.spec_.target_mean

    @property
    def target_scale_(self):
        """Standard deviation of each target in training, (n_targets,); ones where it was not used."""
        return self.spec_.target_scale
