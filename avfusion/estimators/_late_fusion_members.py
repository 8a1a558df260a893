"""The members of a late fusion: which there are, what they may be, and which rows each fits and predicts."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from avfusion._sklearn_compat import InvalidParameterError
from avfusion._tracking import untracked
from avfusion.estimators import _inputs as inputs
from avfusion.estimators._combine import gather_predictions
from avfusion.estimators._inner_folds import check_folds_labelled
from avfusion.estimators._routing import weight_parameters
from avfusion.sequences._messages import brief, quoted
from avfusion.sequences._targets import as_targets

__all__ = [
    "check_answerable",
    "check_members_fit",
    "check_regressor",
    "fit_per_target",
    "held_out_predictions",
    "is_dropped",
    "labels_of",
    "predict_present",
    "predicted_rows",
    "present_rows",
    "read_members",
    "view_of",
]


def read_members(estimators, data):
    """Check the estimators, and look up the streams that each sees.

    Parameters
    ----------
    estimators : list of (str, estimator, modalities)
        As `LateFusionRegressor` takes them.
    data : Recordings

    Returns
    -------
    list of (str, estimator, list of str)
        One that is dropped has no streams.

    Raises
    ------
    ValueError
        If there is none, one is no regressor, or one sees a stream that X does not have.

    Examples
    --------
    >>> from avfusion.sequences._recordings import read_recordings
    >>> import avfusion as av
    >>> data = read_recordings({"audio": [[1.0]], "video": [[2.0]]}, caller="LateFusionRegressor")
    >>> read_members([("a", av.UnimodalRegressor(), "audio"), ("v", "drop", "video")], data)
    [('a', UnimodalRegressor(), ['audio']), ('v', 'drop', [])]
    """
    if isinstance(estimators, (list, tuple)) and len(estimators) == 0:
        raise ValueError("estimators is empty. Give at least one (name, estimator, modalities).")
    members = []
    for member in estimators if isinstance(estimators, (list, tuple)) else [estimators]:
        whole = isinstance(member, (tuple, list)) and len(member) == 3 and isinstance(member[0], str)
        if member is estimators or not whole:
            raise InvalidParameterError(
                f"estimators must be a list of (name, estimator, modalities), not of {brief(member)}."
            )
        name, estimator, modalities = member
        if is_dropped(estimator):
            members.append((name, estimator, []))
            continue
        check_regressor(estimator, f"Estimator {name!r}", ", or 'drop' to leave it out")
        members.append((name, estimator, inputs.choose_modalities(data, modalities)))
    if all(is_dropped(estimator) for _, estimator, _ in members):
        raise ValueError("All estimators are dropped; at least one is needed.")
    return members


def is_dropped(estimator):
    """Return whether an estimator is left out, as in scikit-learn's VotingRegressor.

    Examples
    --------
    >>> is_dropped("drop"), is_dropped(None)
    (True, False)
    """
    return isinstance(estimator, str) and estimator == "drop"


def check_regressor(estimator, what, alternative=""):
    """Raise unless an estimator can be cloned, fitted and asked for numbers.

    Parameters
    ----------
    estimator : object
        What a user gave.
    what : str
        What it is called in the message.
    alternative : str
        What else may be given.

    Raises
    ------
    InvalidParameterError
        A ValueError and TypeError.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> check_regressor(Ridge(), "final_estimator")
    >>> check_regressor(Ridge, "final_estimator")
    Traceback (most recent call last):
        ...
    sklearn.utils._param_validation.InvalidParameterError: final_estimator is the class Ridge. Give an
    instance: Ridge(...).
    """
    if isinstance(estimator, type):
        name = estimator.__name__
        raise InvalidParameterError(f"{what} is the class {name}. Give an instance: {name}(...).")
    kind = None
    if all(hasattr(estimator, method) for method in ("fit", "predict", "get_params")):
        kind = "regressor"
        if hasattr(estimator, "__sklearn_tags__"):
            kind = get_tags(estimator).estimator_type or kind  # an estimator of one's own may not tell
    if kind != "regressor":
        found = "no regressor" if kind is None else f"a {kind}"
        raise InvalidParameterError(
            f"{what} is {brief(estimator)}, which is {found}. Give a regressor, such as Ridge(){alternative}."
        )


def present_rows(data, names):
    """Return for each row whether it has at least one of the streams, (n_rows,) bool.

    Examples
    --------
    >>> from avfusion.sequences._recordings import read_recordings
    >>> present_rows(read_recordings({"audio": [[1.0], None]}, caller="LateFusionRegressor"), ["audio"])
    array([ True, False])
    """
    return ~np.all([data.columns[name].isna() for name in names], axis=0)


def predicted_rows(data, members):
    """Return for each row whether some member can predict it, (n_rows,) bool.

    Examples
    --------
    >>> from avfusion.sequences._recordings import read_recordings
    >>> import avfusion as av
    >>> data = read_recordings({"audio": [[1.0], None]}, caller="LateFusionRegressor")
    >>> predicted_rows(data, [("a", av.UnimodalRegressor(), ["audio"])])
    array([ True, False])
    """
    return np.any([present_rows(data, names) for _, _, names in members], axis=0)


def check_answerable(data, members, form):
    """Raise for a row whose number of frames no member can determine; a clip without any stream is legal.

    Examples
    --------
    >>> from avfusion.sequences._recordings import read_recordings
    >>> import avfusion as av
    >>> data = read_recordings({"audio": [[1.0], None]}, [np.zeros(1), None], caller="LateFusionRegressor")
    >>> check_answerable(data, [("a", av.UnimodalRegressor(), ["audio"])], data.targets.form)
    Traceback (most recent call last):
        ...
    ValueError: No stream is present in row 1 (index 1), so that the number of its frames is unknown. Drop the
    row.
    """
    for row in np.flatnonzero(~predicted_rows(data, members)) if form.per_frame else ():
        raise ValueError(
            f"No stream is present in {data.row_name(row)}, so that the number of its frames is unknown. "
            "Drop the row."
        )


def check_members_fit(data, members, folds):
    """Raise where an estimator would have no row, or no label, to fit on: in all rows, or within a fold.

    Parameters
    ----------
    data : Recordings
        With labels.
    members : list of (str, estimator, list of str)
        With their streams.
    folds : list of (train, test)
        From `inner_folds`; empty where nothing is learnt.

    Raises
    ------
    ValueError
        Naming estimator, fold and target, and what to do.

    Examples
    --------
    >>> from avfusion.sequences._recordings import read_recordings
    >>> import avfusion as av
    >>> data = read_recordings({"audio": [[1.0], None]}, [1.0, 2.0], caller="LateFusionRegressor")
    >>> check_members_fit(data, [("a", av.UnimodalRegressor(), ["audio"])], [])
    """
    names, labelled = data.targets.form.target_names, data.targets.labelled
    inputs.check_labelled(data.targets.values, names)
    for name, _, streams in members:
        present = present_rows(data, streams)
        who, they = f"Estimator {name!r}", quoted(streams)
        if not present.any():
            raise ValueError(f"{who} has nothing to fit on: {they} absent everywhere. Drop it.")
        for k in np.flatnonzero(~labelled[present].any(axis=0)):
            raise ValueError(
                f"{who} has nothing to learn {names[k]} from: it is NaN in every row that has {they}. Drop "
                "the estimator, or leave the target out of y."
            )
        for fold, (train, _) in enumerate(folds, start=1):
            if not present[train].any():
                raise ValueError(
                    f"{who} has nothing to fit on in inner fold {fold} of {len(folds)}: {they} absent from "
                    "all its training rows. Choose other folds with cv, drop the estimator, or do without "
                    "'simplex' and final_estimator, which alone need folds."
                )
        check_folds_labelled(folds, labelled & present[:, None], names, f"rows that have {they}")
    if not folds:
        return
    held_out = np.zeros(len(data), dtype=bool)
    held_out[np.concatenate([test for _, test in folds])] = True
    for k in np.flatnonzero(~labelled[held_out & predicted_rows(data, members)].any(axis=0)):
        raise ValueError(
            f"{names[k]} is NaN in every row that the inner folds hold out and some estimator can predict, "
            "so that nothing can be learnt from their predictions. Choose other folds with cv, or leave the "
            "target out of y."
        )


def view_of(data, names, rows):
    """Return some rows of X without the other streams; metadata columns stay.

    Examples
    --------
    >>> from avfusion.sequences._recordings import read_recordings
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [[1.0]], "video": [[2.0]]}).assign(age=30)
    >>> view_of(read_recordings(X, caller="LateFusionRegressor"), ["video"], [0]).columns.tolist()
    ['video', 'age']
    """
    others = set(data.columns).difference(names)
    kept = [name not in others for name in data.frame.columns]  # pandas' isin is slow for columns of text
    return data.frame.loc[:, kept].iloc[rows]  # rows of these columns only


def labels_of(data, rows):
    """Return the labels of some rows in the form in which all were given.

    Examples
    --------
    >>> from avfusion.sequences._recordings import read_recordings
    >>> data = read_recordings({"audio": [[1.0]] * 3}, [5.0, 6.0, 7.0], caller="LateFusionRegressor")
    >>> labels_of(data, np.array([0, 2]))
    array([5., 7.])
    """
    taken = data.targets.take(rows)
    return taken.form.wrap(taken.values, taken.lengths, data.index[rows], taken.clock)


def predict_present(data, name, estimator, names, among=None):
    """Return name, the positions of the rows that an estimator can predict, and its predictions.

    Examples
    --------
    >>> from avfusion.sequences._recordings import read_recordings
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [[1.0], None]})
    >>> member = av.FrameRegressor().fit(X[:1], [3.0])
    >>> data = read_recordings(X, caller="LateFusionRegressor")
    >>> name, rows, predicted = predict_present(data, "a", member, ["audio"])
    >>> rows, predicted.values
    (array([0]), array([[3.]]))
    """
    present = present_rows(data, names)
    rows = np.flatnonzero(present) if among is None else among[present[among]]
    predicted = as_targets(estimator.predict(view_of(data, names, rows)), name) if len(rows) else None
    return name, rows, predicted


def held_out_predictions(data, folds, fitted):
    """Return what the estimators of each fold predict for its labelled test rows, labels and weights.

    Parameters
    ----------
    data : Recordings
        With labels.
    folds : list of (train, test)
        Row positions.
    fitted : list of lists of (str, estimator, list of str)
        The estimators that were fitted in each fold.

    Returns
    -------
    predicted : ndarray of shape (n_estimators, n_values, K)
    labels : ndarray of shape (n_values, K)
    weights : ndarray of that shape or None
    """
    all_predicted, rows, targets = [], [], data.targets.counted
    labelled = targets.labelled.any(axis=1) & predicted_rows(data, fitted[0])
    for (_, test), members in zip(folds, fitted):
        test = test[labelled[test]]
        predictions = [predict_present(data, *member, among=test) for member in members]
        predicted, lengths = gather_predictions(predictions, len(data), targets.form, data.index)
        for row in test if targets.lengths is not None else ():
            if lengths[row] != targets.lengths[row]:
                raise ValueError(
                    f"The estimators predict {lengths[row]} frames for {data.row_name(row)}, which has "
                    f"{targets.lengths[row]} labels. Let them align their streams to the rate of the labels."
                )
        all_predicted.append(predicted)
        rows += np.flatnonzero(np.isin(targets.row_of_value, test)).tolist()
    weights = None if targets.weights is None else targets.weights[rows]
    return np.concatenate(all_predicted, axis=1), targets.values[rows], weights


def fit_per_target(estimator, predicted, labels, weights=None):
    """Fit a clone for each target on the predictions for it, where it is labelled.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> predicted, labels = np.array([[[1.0], [2.0]]]), np.array([[1.0], [np.nan]])
    >>> fit_per_target(Ridge(), predicted, labels)
    [Ridge()]
    """
    tables = np.moveaxis(predicted, 0, 1)  # (n_values, n_estimators, K)
    fitted = []
    for k, labelled in enumerate(~np.isnan(labels.T)):
        own = None if weights is None else weights[labelled, k]
        params = weight_parameters(estimator, own, "final_estimator")
        with untracked():
            fitted.append(clone(estimator).fit(tables[labelled, :, k], labels[labelled, k], **params))
    return fitted
