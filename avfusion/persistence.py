"""Save fitted estimators to one file each, with a header that can be read without running code.

A model file is a zip archive of two members: ``avfusion.json``, the header, and ``model.joblib``, the
estimator as joblib pickles it. Pickles store every estimator exactly, including those of scikit-learn and of
users; a format for weights only (safetensors) would store some estimators and not others, and one for known
types (skops, which keeps the estimators of this package, see `avfusion.skops_types`) needs every type to be
named. The price: **loading a model executes code that the file names. Load only files that you trust.** The
header alone is safe to read: in a bounded time and memory, whatever the file holds (see docs/trust.md).
"""

import json
import pickle
import platform
import warnings
import zipfile
from contextlib import contextmanager
from pathlib import Path

import joblib
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from avfusion._atomic import atomic_write
from avfusion._by_value import dump
from avfusion._model_header import FORMAT, HEADER, LARGEST, MODEL, begins_as_model, open_model
from avfusion._plain_file import check_plain_file
from avfusion._versions import package_versions
from avfusion.sequences._messages import brief

__all__ = ["is_model", "load", "read_header", "save"]

_PACKAGES = ("avfusion", "torch", "scikit-learn", "numpy")
_MOST = 6  # packages that a message names


def save(estimator, path, *, target_names=None) -> Path:
    """Write a fitted estimator to a file, which appears under its name only when it is complete.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Fitted. Your own classes and functions are looked for in their module where the file is loaded; what
        is in no module that can be imported, as what the command line read from a .py file, is in the file.
    path : str or path-like
        The file; one of this name is replaced.
    target_names : list of str, optional
        Names of the targets. By default those that the estimator was fitted with.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If the estimator is not fitted, or cannot be pickled.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import avfusion as av
    >>> from avfusion import persistence
    >>> from tempfile import TemporaryDirectory
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     4, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> model = av.FrameRegressor().fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     again = persistence.load(persistence.save(model, f"{folder}/ridge.model"))
    >>> again.predict(X).equals(model.predict(X))
    True
    """
    path = Path(path)
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError) as error:
        raise ValueError("Only a fitted estimator can be saved. Call its fit first.") from error
    header = _describe(estimator, target_names)
    size = len(json.dumps(header, indent=2))
    if size > LARGEST - 100:
        raise ValueError(f"The header of {path} would have {size} bytes, and may have {LARGEST - 100}.")
    with atomic_write(path) as part:

        @contextmanager
        def opened(by_value):
            with zipfile.ZipFile(part, "w") as archive:
                archive.writestr(
                    HEADER, json.dumps(header | ({"holds_code": True} if by_value else {}), indent=2)
                )
                with archive.open(MODEL, "w", force_zip64=True) as file:
                    yield file

        dump(estimator, opened)
    return path


def load(path):
    """Read an estimator that `save` wrote. This executes code: load only files that you trust.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator
        As it was saved.

    Raises
    ------
    ValueError
        If the file is not a model of this package, is damaged, or needs code that is not installed.
    OSError
        If the file cannot be read.

    Warns
    -----
    UserWarning
        If avfusion, torch, scikit-learn, numpy or Python had another version when the file was written.

    Examples
    --------
    >>> from avfusion import persistence
    >>> persistence.load("LICENSE")  # doctest: +SKIP
    Traceback (most recent call last):
    ...
    ValueError: LICENSE is not a model that avfusion saved...
    """
    path = Path(path)
    with open_model(path) as (archive, header):
        _warn_of_other_versions(path, header["versions"])
        _check_code_is_read(path, header)
        if archive.testzip() is not None:  # before any of its code is executed
            raise ValueError(f"{path} is damaged. Copy or save it again.")
        with archive.open(MODEL) as file:
            if file.peek(1)[:1] != pickle.PROTO:  # joblib would decompress it, without end
                raise ValueError(f"{path} is not a model that avfusion saved: what it holds is no pickle.")
            estimator = _unpickled(file, path)
    if not hasattr(estimator, "get_params"):
        raise ValueError(f"{path} holds a {type(estimator).__name__}, which is no estimator.")
    return estimator


def _check_code_is_read(path, header):
    """Raise where a file holds code as another version of Python compiled it."""
    written, here = header["versions"].get("python", ""), platform.python_version()
    if header.get("holds_code") and written.split(".")[:2] != here.split(".")[:2]:
        raise ValueError(
            f"{path} holds code of its author's, compiled by Python {brief(written, 20)[1:-1]}, which "
            f"Python {here} cannot run. Load it with that version."
        )


def _unpickled(file, path):
    try:
        return joblib.load(file)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"{path} needs code that is not installed: {error}. Install the versions of its header, and put "
            "your own modules where Python finds them (PYTHONPATH)."
        ) from error
    except Exception as error:  # whatever the code of other versions raises
        raise ValueError(
            f"{path} cannot be loaded ({type(error).__name__}: {error}). Install the versions of its header, "
            "or save it again."
        ) from error


def _warn_of_other_versions(path, versions):
    here = package_versions(_PACKAGES)
    different = [
        f"{brief(name, 40)[1:-1]} {brief(number, 40)[1:-1]} (here {here.get(name)})"
        for name, number in versions.items()
        if number.split("+")[0] != here.get(name, "").split("+")[0]  # 2.13.0+cpu is 2.13.0
    ]
    if different:
        more = f" and {len(different) - _MOST} more" if len(different) > _MOST else ""
        warnings.warn(
            f"{path} was saved with {', '.join(different[:_MOST])}{more}. Its predictions may differ, or it "
            "may fail; install those versions to reproduce it.",
            stacklevel=3,
        )


def read_header(path) -> dict:
    """Read the header of a model file, without running any of its code.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    dict
        ``format``; ``estimator``, its representation; ``versions`` of python and packages; ``modalities``,
        a dict of name to ``{"width": int, "rate_hz": float or None}``, None if unknown; ``targets``,
        ``{"names": list or None, "per_frame": bool or None}``.

    Raises
    ------
    ValueError
        If the file is not a model of this package, or has a newer format.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> from avfusion import persistence
    >>> from sklearn.linear_model import Ridge
    >>> from tempfile import TemporaryDirectory
    >>> ridge = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    >>> with TemporaryDirectory() as folder:
    ...     path = persistence.save(ridge, f"{folder}/ridge.model", target_names=["mood"])
    ...     header = persistence.read_header(path)
    >>> header["targets"]
    {'names': ['mood'], 'per_frame': None}
    """
    with open_model(Path(path)) as (_, header):
        return header


def is_model(path) -> bool:
    """Return whether a file is a model that `save` wrote, without running any of its code.

    Only its first bytes are looked at: `read_header` says what is wrong with a damaged one.

    Parameters
    ----------
    path : str or path-like
        Any path.

    Returns
    -------
    bool
        False also if there is no such file.

    Examples
    --------
    >>> is_model("no such file")
    False
    """
    try:
        check_plain_file(path)
        return begins_as_model(Path(path))
    except (OSError, ValueError):
        return False


def _describe(estimator, target_names):
    streams = form = None
    for part in _outside_in(estimator):
        spec = getattr(part, "spec_", None)
        if spec is not None and streams is None:
            streams = {
                str(name): {"width": int(width), "rate_hz": spec.rates_hz[name]}
                for name, width in spec.widths.items()
            }
        form = getattr(spec, "target_form", None) if form is None else form
    if target_names is None and form is not None:
        target_names = form.target_names
    return {
        "format": FORMAT,
        "estimator": repr(estimator),
        "versions": package_versions(_PACKAGES),
        "modalities": streams,
        "targets": {
            "names": None if target_names is None else [str(name) for name in target_names],
            "per_frame": getattr(form, "per_frame", None),
        },
    }


def _outside_in(estimator):
    """Yield an estimator and then its fitted parts, in the order in which X passes through them."""
    yield estimator
    inner = [step for _, step in getattr(estimator, "steps", ())]
    inner += [
        getattr(estimator, name) for name in ("best_estimator_", "regressor_") if hasattr(estimator, name)
    ]
    for part in inner:
        yield from _outside_in(part)
