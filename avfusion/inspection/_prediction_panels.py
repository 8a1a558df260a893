"""The data of a prediction display, panel by panel."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion.metrics import ccc_score
from avfusion.sequences._messages import quoted


@dataclass(frozen=True, eq=False)
class PredictionPanel:
    """Data of one panel.

    Parameters
    ----------
    target : str
        Name of the target.
    labels : ndarray of shape (n_steps,), or per clip (n_rows,)
        NaN is unlabelled.
    predictions : dict of str to ndarray of the same shape
        By name of the model; NaN where there is none.
    row : str, optional
        Name of the row whose steps these are; None where every value is a clip.

    Examples
    --------
    >>> PredictionPanel("arousal", np.array([0.0, 1.0]), {"ridge": np.array([0.0, 1.0])}).ccc
    {'ridge': 1.0}
    """

    target: str
    labels: np.ndarray
    predictions: dict
    row: str | None = None

    @property
    def ccc(self) -> dict:
        """CCC of each model over the labelled steps of this panel; NaN without labels or predictions.

        Examples
        --------
        >>> panel = PredictionPanel("arousal", np.array([np.nan, 1.0]), {"ridge": np.array([0.0, np.nan])})
        >>> panel.ccc
        {'ridge': nan}
        """
        labelled = ~np.isnan(self.labels)
        scores = {}
        for name, values in self.predictions.items():
            complete = labelled.any() and not np.isnan(values[labelled]).any()
            scores[name] = ccc_score(self.labels[labelled], values[labelled]) if complete else np.nan
        return scores


def prediction_panels(true, predictions, rows, columns, row_names):
    """Return a panel for each row and target; for labels per clip, for each target and model.

    Parameters
    ----------
    true : Targets
        The labels.
    predictions : dict of str to ndarray of the shape of ``true.values``
        By name of the model.
    rows, columns : array-like of int
        Positions of rows and targets.
    row_names : list of str
        Of all rows.

    Returns
    -------
    list of PredictionPanel

    Examples
    --------
    >>> from avfusion.sequences._targets import as_targets
    >>> true = as_targets([[1.0, 2.0], [3.0, 4.0]])
    >>> panels = prediction_panels(true, {"ridge": true.values}, [0, 1], [1], ["a", "b"])
    >>> [(panel.target, panel.labels) for panel in panels]
    [('target 1', array([2., 4.]))]
    """
    names = true.form.target_names
    if true.lengths is None:
        return [
            PredictionPanel(names[k], true.values[rows, k], {model: values[rows, k]})
            for k in columns
            for model, values in predictions.items()
        ]
    stops = np.cumsum(np.maximum(true.lengths, 0))
    panels = []
    for row in rows:
        steps = slice(stops[row] - true.lengths[row], stops[row])
        for k in columns:
            own = {model: values[steps, k] for model, values in predictions.items()}
            panels.append(PredictionPanel(names[k], true.values[steps, k], own, row_names[row]))
    return panels


def names_of_rows(n_rows, row_names=None, index=None):
    """Return a name for each row: as given, or the label of the index, or the position.

    The name of a Series is put before its values, and positions after values that repeat.

    Raises
    ------
    ValueError
        If there are not as many names as rows.

    Examples
    --------
    >>> names_of_rows(2), names_of_rows(2, index=pd.Index(["a", "b"]))
    (['row 0', 'row 1'], ['a', 'b'])
    >>> names_of_rows(3, pd.Series([7, 8, 8], name="subject"))
    ['subject 7', 'subject 8, row 1', 'subject 8, row 2']
    """
    if row_names is None:
        if index is None or isinstance(index, pd.RangeIndex):
            return [f"row {row}" for row in range(n_rows)]
        return [str(label) for label in index]
    if len(row_names) != n_rows:
        raise ValueError(f"row_names has {len(row_names)} names, but y_true has {n_rows} rows.")
    if not isinstance(row_names, pd.Series) or row_names.name is None:
        return [str(name) for name in row_names]
    repeated = row_names.duplicated(keep=False)
    return [
        f"{row_names.name} {value}" + (f", row {row}" if again else "")
        for row, (value, again) in enumerate(zip(row_names, repeated))
    ]


def metadata_column(X, name):
    """Return a column of X.

    Raises
    ------
    ValueError
        If there is no such column.

    Examples
    --------
    >>> metadata_column(pd.DataFrame({"subject": [7, 8]}), "subject").to_list()
    [7, 8]
    """
    if isinstance(X, pd.DataFrame) and name in X.columns:
        return X[name]
    found = f"Its columns are {quoted(X.columns)}" if isinstance(X, pd.DataFrame) else "It is not a DataFrame"
    raise ValueError(f"row_names={name!r} is not a column of X. {found}.")
