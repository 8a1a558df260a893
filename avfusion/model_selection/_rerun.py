"""Run a saved comparison or search again."""

import dataclasses
import warnings
from pathlib import Path

import joblib
from joblib import effective_n_jobs
from sklearn.base import clone

from avfusion._checksums import check_sums
from avfusion._kept_fits._hashing import fingerprint
from avfusion._plain_file import check_plain_file
from avfusion._versions import package_versions
from avfusion.model_selection.comparison._compare import compare
from avfusion.model_selection.records._provenance import RECIPE, not_repeatable
from avfusion.sequences._messages import brief


def rerun(folder, X, y, *, n_jobs=None, verbose=True):
    """Run a saved comparison or search again: same estimators, folds, groups, weights, scores and seed.

    Loading executes code from the file ``recipe.joblib``: load only what you trust. Scores and predictions
    are the same if the estimators have fixed seeds; times are measured anew. A search is run from its start,
    in memory, whatever storage it had.

    Parameters
    ----------
    folder : str or Path
        Folder that `Comparison.save` or `FusionSearchCV.save` wrote.
    X, y : as in `compare`
        The same data, in the same form or in that which `avfusion.as_sequences` or numpy makes of it.
    n_jobs : int, optional
        Processes over estimators and folds (of a search: over trials), as in joblib.
    verbose : bool
        Whether to show progress.

    Returns
    -------
    Comparison or FusionSearchCV
        The result, with the same numbers if the versions of packages are the same; a search is fitted.

    Raises
    ------
    FileNotFoundError
        If the folder has no recipe.
    ValueError
        If X or y are not the data of the result, or the recipe is not the file that was written.

    Warns
    -----
    UserWarning
        If versions of packages differ, or a search had or has several jobs, a timeout, or a sampler without a
        seed.

    See Also
    --------
    compare : Runs a comparison the first time.
    FusionSearchCV : Runs a search the first time.

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
    path = Path(folder) / RECIPE
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; save() of a Comparison or a search writes it.")
    check_sums(path.parent, RECIPE)
    recipe = _read(path)
    if fingerprint(X, y) != recipe["data"]:
        raise ValueError(
            f"X or y are not the data of the result in {str(folder)!r}: their fingerprint differs. Give the "
            "same rows in the same order, with the same columns, types and labels."
        )
    _warn_of_other_versions(recipe["versions"])
    _warn_of_chance(recipe)
    if "search" in recipe:
        return _search_again(recipe, X, y, n_jobs, verbose)
    same = ("estimators", "groups", "scoring", "n_seeds", "error_score", "random_state")
    result = compare(
        **{key: recipe[key] for key in same},
        sample_weight=recipe.get("sample_weight"),
        situation=recipe.get("situation", "auto"),
        X=X,
        y=y,
        cv=recipe["folds"],
        n_jobs=n_jobs,
        verbose=verbose,
    )
    result = dataclasses.replace(result, settings=result.settings | {"cv": recipe["cv"]})
    return result.of_target(recipe["target"]) if "target" in recipe else result


def _read(path):
    """Load a recipe, which executes it."""
    check_plain_file(path)
    try:
        recipe = joblib.load(path)
    except Exception as error:  # whatever the code of other versions, or half a pickle, raises
        raise ValueError(
            f"{path} cannot be loaded ({type(error).__name__}: {brief(str(error), 100)[1:-1]}). Install the "
            "versions in settings.json beside it, or take the folder from a copy."
        ) from error
    if not (isinstance(recipe, dict) and {"data", "versions"} <= set(recipe)):
        raise ValueError(f"{path} is no recipe that save() of a Comparison or a search wrote.")
    return recipe


def _warn_of_other_versions(then):
    now = package_versions()
    other = [f"{name} {of} (now {now.get(name)})" for name, of in then.items() if now.get(name) != of]
    if other:
        warnings.warn(f"The result is from {', '.join(other)}: numbers may differ.", stacklevel=3)


def _warn_of_chance(recipe):
    estimators = {"the search": recipe["search"]} if "search" in recipe else recipe["estimators"]
    found = {name: not_repeatable(estimator) for name, estimator in estimators.items()}
    reasons = [f"{name}: {reason}" for name, of_name in found.items() for reason in of_name]
    if reasons:
        warnings.warn(f"Numbers will differ. {'; '.join(reasons)}.", stacklevel=3)


def _search_again(recipe, X, y, n_jobs, verbose):
    search = clone(recipe["search"])
    if effective_n_jobs(search.n_jobs) > 1 or effective_n_jobs(n_jobs) > 1:
        warnings.warn(
            "With several jobs, the trials depend on which of them ends first: they may differ.",
            stacklevel=3,
        )
    search.set_params(n_jobs=n_jobs, verbose=int(verbose))
    return search.fit(X, y, groups=recipe["groups"], sample_weight=recipe.get("sample_weight"))
