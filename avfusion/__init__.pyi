# The public names and where they live; read by type checkers and, at run time, by `__init__.py`.

from . import datasets, estimators, inspection, metrics, model_selection, networks, persistence
from .estimators import (
    BottleneckTransformerRegressor,
    CrossAttentionRegressor,
    DynamicCrossAttentionRegressor,
    EarlyFusionRegressor,
    FrameRegressor,
    FusionRegressor,
    GatedMultimodalRegressor,
    GatedRecursiveJointAttentionRegressor,
    JointCrossAttentionRegressor,
    LateFusionRegressor,
    LeaderFollowerRegressor,
    LowRankFusionRegressor,
    MultimodalTransformerRegressor,
    RecursiveJointAttentionRegressor,
    RescaledRegressor,
    TensorFusionRegressor,
    UnimodalRegressor,
)
from .model_selection import Comparison, FusionSearchCV, baselines, compare
from .preprocessing import AddContext, Align, Functionals, OnFrames
from .sequences import Sequence, SequenceArray, SequenceDtype, as_sequences

__version__: str

__all__ = [
    "AddContext",
    "Align",
    "BottleneckTransformerRegressor",
    "Comparison",
    "CrossAttentionRegressor",
    "DynamicCrossAttentionRegressor",
    "EarlyFusionRegressor",
    "FrameRegressor",
    "Functionals",
    "FusionRegressor",
    "FusionSearchCV",
    "GatedMultimodalRegressor",
    "GatedRecursiveJointAttentionRegressor",
    "JointCrossAttentionRegressor",
    "LateFusionRegressor",
    "LeaderFollowerRegressor",
    "LowRankFusionRegressor",
    "MultimodalTransformerRegressor",
    "OnFrames",
    "RecursiveJointAttentionRegressor",
    "RescaledRegressor",
    "Sequence",
    "SequenceArray",
    "SequenceDtype",
    "TensorFusionRegressor",
    "UnimodalRegressor",
    "as_sequences",
    "baselines",
    "compare",
    "datasets",
    "estimators",
    "inspection",
    "metrics",
    "model_selection",
    "networks",
    "persistence",
]
