"""Finished fits of candidates, so that a fit that was killed goes on where it was."""

from contextlib import suppress
from pathlib import Path

from avfusion._kept_fits._store import Fit, FitStore, read_fit, write_fit
from avfusion.estimators._late_fusion_members import present_rows

__all__ = ["KeptFit", "KeptFits"]


class KeptFits:
    """A folder of the predictions of finished fits, which comparisons and other fits may share.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist.
    data : Recordings
        With labels.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.fusion._auto._candidates import Candidate
    >>> from avfusion.sequences._recordings import read_recordings
    >>> data = read_recordings([[1.0], [2.0]], [1.0, 2.0], caller="AutoFusionRegressor")
    >>> with TemporaryDirectory() as folder:
    ...     candidate = Candidate("ridge", Ridge(), ["features"])
    ...     kept = KeptFits(folder, data).of(candidate, (np.array([0]), np.array([1])), {})
    ...     kept.read(data, candidate, np.array([1])) is None
    True
    """

    def __init__(self, folder, data):
        targets = data.targets
        values = [targets.values, targets.lengths, targets.weights]
        self._store = FitStore(folder, data.frame, *(part for part in values if part is not None))

    def of(self, candidate, fold, params):
        """Return the place of the fit of a candidate in a fold, with metadata for its ``fit``."""
        what = (candidate.estimator, list(candidate.streams), params)
        return KeptFit(self._store.path(what, *fold))


class KeptFit:
    """The predictions of one fit, on the disk.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path):
        self.path = Path(path)

    def read(self, data, candidate, test):
        """Return name, rows and predictions of a finished fit, and its seconds; None if there is none.

        Parameters
        ----------
        data : Recordings
        candidate : Candidate
        test : ndarray of int
            Rows that were held out.
        """
        rows = test[present_rows(data, candidate.streams)[test]]
        fit = read_fit(self.path, data.targets.take(rows)) if len(rows) else None
        return None if fit is None else ((candidate.name, rows, fit.predictions), fit.fit_s)

    def write(self, predictions, seconds):
        """Keep what `predict_present` returned; a full disk is no error."""
        if predictions[2] is not None:
            with suppress(OSError):
                write_fit(self.path, Fit(predictions[2], seconds, 0.0))
