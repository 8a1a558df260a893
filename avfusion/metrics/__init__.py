"""Scores of continuous predictions, their bootstrap intervals, and scorers for scikit-learn's tools."""

from avfusion.metrics._abaw import abaw_scorer, abaw_scores
from avfusion.metrics._bootstrap import bootstrap_interval
from avfusion.metrics._regression import (
    ccc_score,
    mean_absolute_error,
    pcc_score,
    root_mean_squared_error,
    sagr_score,
)
from avfusion.metrics._scorers import scorers

__all__ = [
    "abaw_scorer",
    "abaw_scores",
    "bootstrap_interval",
    "ccc_score",
    "mean_absolute_error",
    "pcc_score",
    "root_mean_squared_error",
    "sagr_score",
    "scorers",
]
