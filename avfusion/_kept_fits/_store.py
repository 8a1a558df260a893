"""A folder of finished fits, so that a comparison that was killed goes on where it was."""

import zlib
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple
from zipfile import BadZipFile

import joblib
import numpy as np

from avfusion._atomic import atomic_write, clear_folder
from avfusion._by_value import check_can_be_saved
from avfusion._kept_fits._hashing import content_hash, fingerprint, pickle_hash
from avfusion._plain_file import check_plain_file
from avfusion._versions import package_versions
from avfusion.sequences._messages import path_name
from avfusion.sequences._targets import Targets


class Fit(NamedTuple):
    """The result of one fit: predictions as `Targets`, or None after a failure, and seconds."""

    predictions: Targets | None
    fit_s: float
    predict_s: float


class FitStore:
    """Finished fits in a folder, one file each, written in one step.

    The name of a file is a hash of all that the predictions depend on: data and groups, the rows of the fold,
    the estimator with every parameter, its seed among them, and versions of packages. So comparisons of
    several kinds can share a folder, and several processes can work on it. The code of a notebook or script
    counts; that of modules of one's own is known by its name only. Files hold numbers, no code.

    Parameters
    ----------
    folder : str or Path
        Made if it does not exist. One that cannot be written to is an OSError.
    *data : samples, labels and groups
        As `fingerprint` takes them.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.sequences import as_targets
    >>> with TemporaryDirectory() as folder:
    ...     path = FitStore(folder, [[1.0], [2.0]], [1.0, 2.0]).path(Ridge(), [0], [1])
    ...     write_fit(path, Fit(as_targets([1.5]), 0.1, 0.2))
    ...     read_fit(path, as_targets([2.0])).predictions.values
    array([[1.5]])
    """

    def __init__(self, folder, *data):
        self.folder = Path(folder).absolute()  # workers may be started elsewhere
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.folder):  # can it be written to? Before anything is fitted
                pass
        except (FileExistsError, NotADirectoryError):
            raise FileExistsError(
                f"resume: {path_name(self.folder)} cannot be a folder, since a file has its name, or that of "
                "one above it. Choose another name, or move that file."
            ) from None
        except OSError as error:
            raise type(error)(error.errno, f"resume: {error.strerror}", str(self.folder)) from error
        clear_folder(self.folder)  # of those that were killed in the midst of a fit's writing
        self._data = [fingerprint(*data), package_versions()]

    def path(self, estimator, train, test):
        """Return the file of the fit of an estimator in a fold.

        Parameters
        ----------
        estimator : estimator
            Not fitted, with its seed.
        train, test : array-like of int
            Rows of the fold.

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            If the estimator has a parameter that cannot be pickled, such as an open file.
        """
        rows = np.asarray(train), np.asarray(test)
        try:
            key = pickle_hash([*self._data, estimator, *rows], "sha1")
        except Exception:  # a function or class of one's own, that no module holds
            check_can_be_saved(estimator)
            key = joblib.hash([*self._data, content_hash(estimator), *rows], hash_name="sha1")
        return self.folder / f"{key}.npz"


def write_fit(path, fit):
    """Keep a finished fit; the file appears when it is whole.

    Parameters
    ----------
    path : Path
        From `FitStore.path`.
    fit : Fit
    """
    values, lengths = fit.predictions.values, fit.predictions.lengths
    arrays = {"values": values, "seconds": np.array([fit.fit_s, fit.predict_s])}
    if lengths is not None:
        arrays["lengths"] = lengths
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)


def read_fit(path, labels):
    """Return a finished fit.

    Parameters
    ----------
    path : Path
        From `FitStore.path`.
    labels : Targets
        Of the rows that were predicted, whose form the predictions get.

    Returns
    -------
    Fit or None
        None if there is none, or the file is damaged.
    """
    try:
        check_plain_file(path)
        with np.load(path, allow_pickle=False) as arrays:
            values, lengths = arrays["values"], arrays.get("lengths")
            fit_s, predict_s = arrays["seconds"].tolist()
        if not _goes_with(values, lengths, labels):
            return None
        return Fit(Targets(values, lengths, labels.form, labels.index), fit_s, predict_s)
    # not there, or damaged: fit again
    except (OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, BadZipFile, zlib.error):
        return None


def _goes_with(values, lengths, labels):
    """Return whether what a file holds can be predictions of these rows."""
    if values.dtype != np.float64 or values.ndim != 2 or values.shape[1] != labels.values.shape[1]:
        return False
    if lengths is None or labels.lengths is None:
        return lengths is labels.lengths and len(values) == labels.n_rows
    whole = lengths.dtype.kind == "i" and lengths.shape == labels.lengths.shape
    if not whole or np.maximum(lengths, 0).sum() != len(values):
        return False
    labelled = labels.lengths >= 0
    return bool((lengths[labelled] == labels.lengths[labelled]).all())
