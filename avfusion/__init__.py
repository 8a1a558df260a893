"""avfusion: scikit-learn compatible audio-visual fusion for continuous affect.

Features per modality go in as columns of sequences, labels per frame or per clip, and every estimator is an
ordinary scikit-learn estimator: ``fit``, ``predict``, ``Pipeline``, ``cross_validate``, ``GridSearchCV``,
Optuna.
"""

from importlib.metadata import version

from avfusion import datasets, inspection, metrics, model_selection, networks
from avfusion.estimators import (
    EarlyFusionRegressor,
    FrameRegressor,
    FusionRegressor,
    LateFusionRegressor,
    RecursiveJointAttentionRegressor,
    RescaledRegressor,
    UnimodalRegressor,
)
from avfusion.model_selection import Comparison, compare
from avfusion.preprocessing import AddContext, Align, Functionals, OnFrames
from avfusion.sequences import Sequence, SequenceArray, SequenceDtype, as_sequences

__version__ = version("avfusion")

__all__ = [
    "AddContext",
    "Align",
    "Comparison",
    "EarlyFusionRegressor",
    "FrameRegressor",
    "Functionals",
    "FusionRegressor",
    "LateFusionRegressor",
    "OnFrames",
    "RecursiveJointAttentionRegressor",
    "RescaledRegressor",
    "Sequence",
    "SequenceArray",
    "SequenceDtype",
    "UnimodalRegressor",
    "as_sequences",
    "compare",
    "datasets",
    "inspection",
    "metrics",
    "model_selection",
    "networks",
]
