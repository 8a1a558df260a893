"""Run a saved comparison again."""

import dataclasses
import warnings
from collections.abc import Mapping
from pathlib import Path

import joblib

from avfusion.model_selection.compare import compare, package_versions
from avfusion.model_selection.fingerprint import fingerprint
from avfusion.sequences.convert import as_sequences


def rerun(folder, X, y, *, n_jobs=None, verbose=True):
    """Run a saved comparison again: same estimators, folds, groups, scores and seed.

    Loading executes code from the file ``recipe.joblib``: load only what you trust. Scores and predictions
    are the same as far as the estimators have fixed seeds; seconds are new.

    Parameters
    ----------
    folder : str or Path
        Where `Comparison.save` wrote to.
    X, y : as in `compare`
        The same data.
    n_jobs : int, optional
        Processes over estimators and folds, as in joblib.
    verbose : bool
        Whether to show progress.

    Returns
    -------
    Comparison
        With the same numbers, where the packages are the same.

    Raises
    ------
    FileNotFoundError
        If the folder has no recipe.
    ValueError
        If X or y are not the data of that comparison.

    Warns
    -----
    UserWarning
        If packages have other versions than then.

    See Also
    --------
    compare : Runs a comparison the first time.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare, rerun
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
    >>> with TemporaryDirectory() as folder:
    ...     again = rerun(result.save(folder), X, X[:, 0], verbose=False)
    >>> bool(again.table["mae"].equals(result.table["mae"]))
    True
    """
    path = Path(folder) / "recipe.joblib"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; Comparison.save(folder) writes it.")
    recipe = joblib.load(path)
    X = as_sequences(X) if isinstance(X, Mapping) else X
    y = list(y) if isinstance(y, tuple) else y
    if fingerprint(X, y) != recipe["data"]:
        raise ValueError(
            f"X or y are not the data of the comparison in {str(folder)!r}: their fingerprint differs. Give "
            "the same rows in the same order, with the same columns, types and labels."
        )
    now = package_versions()
    other = [f"{name} {then} (now {now.get(name)})" for name, then in recipe["versions"].items()]
    other = [
        text for text, name in zip(other, recipe["versions"]) if now.get(name) != recipe["versions"][name]
    ]
    if other:
        warnings.warn(f"The comparison was run with {', '.join(other)}: numbers may differ.", stacklevel=2)
    result = compare(
        **{key: recipe[key] for key in ("estimators", "groups", "scoring", "error_score", "random_state")},
        X=X,
        y=y,
        cv=recipe["folds"],
        n_jobs=n_jobs,
        verbose=verbose,
    )
    return dataclasses.replace(result, settings=result.settings | {"cv": recipe["cv"]})
