"""The metrics as scikit-learn scorers."""

from sklearn.metrics import make_scorer

from avfusion.metrics._regression import (
    ccc_score,
    mean_absolute_error,
    pcc_score,
    root_mean_squared_error,
    sagr_score,
)

#: Name -> scorer, for labels per frame and per clip; greater is better. Pass it whole, as
#: ``cross_validate(..., scoring=avfusion.metrics.scorers)``, or one of them to a search.
scorers = {
    "ccc": make_scorer(ccc_score),
    "pcc": make_scorer(pcc_score),
    "sagr": make_scorer(sagr_score),
    "neg_rmse": make_scorer(root_mean_squared_error, greater_is_better=False),
    "neg_mae": make_scorer(mean_absolute_error, greater_is_better=False),
}
for _name, _scorer in scorers.items():
    _scorer.__name__ = _name  # what LearningCurveDisplay writes at its axis
