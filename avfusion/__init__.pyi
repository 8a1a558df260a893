# Written by `make derived`: public names and where they are, for type checkers and `__init__.py`.

from . import (
    datasets,
    estimators,
    fusion,
    inspection,
    metrics,
    model_selection,
    networks,
    persistence,
    released,
)
from ._discovery import all_estimators
from .datasets import import_folder, load_folder
from .estimators import (
    EncodedFusionRegressor,
    FrameRegressor,
    FusionRegressor,
    LateFusionRegressor,
    RescaledRegressor,
    UnimodalRegressor,
)
from .fusion import (
    BottleneckTransformerRegressor,
    CrossAttentionRegressor,
    DynamicCrossAttentionRegressor,
    EarlyFusionRegressor,
    GatedMultimodalRegressor,
    GatedRecursiveJointAttentionRegressor,
    JointCrossAttentionRegressor,
    LeaderFollowerRegressor,
    LowRankFusionRegressor,
    MultimodalTransformerRegressor,
    RecursiveJointAttentionRegressor,
    TensorFusionRegressor,
)
from .model_selection import Comparison, FusionSearchCV, baselines, compare
from .preprocessing import AddContext, Align, Functionals, OnFrames, pair
from .released import ReleasedJointAttentionRegressor
from .sequences import (
    Sequence,
    SequenceArray,
    SequenceDtype,
    as_sequences,
    cut,
    mask_labels,
    to_long,
    to_padded,
    to_panel,
)
from .store import StoreWriter, read_store, write_store

__version__: str

__all__ = [
    "AddContext",
    "Align",
    "BottleneckTransformerRegressor",
    "Comparison",
    "CrossAttentionRegressor",
    "DynamicCrossAttentionRegressor",
    "EarlyFusionRegressor",
    "EncodedFusionRegressor",
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
    "ReleasedJointAttentionRegressor",
    "RescaledRegressor",
    "Sequence",
    "SequenceArray",
    "SequenceDtype",
    "StoreWriter",
    "TensorFusionRegressor",
    "UnimodalRegressor",
    "all_estimators",
    "as_sequences",
    "baselines",
    "compare",
    "cut",
    "datasets",
    "estimators",
    "fusion",
    "import_folder",
    "inspection",
    "load_folder",
    "mask_labels",
    "metrics",
    "model_selection",
    "networks",
    "pair",
    "persistence",
    "read_store",
    "released",
    "to_long",
    "to_padded",
    "to_panel",
    "write_store",
]
