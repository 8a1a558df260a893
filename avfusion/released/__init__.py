"""The network that the authors of recursive joint attention released, and weights of their code."""

from avfusion.released._estimator import ReleasedJointAttentionRegressor
from avfusion.released._feature_attention import FeatureJointAttention, attended_features
from avfusion.released._skip_fusion import SkipFusion, SkipLSTM
from avfusion.released._weights import load_released, released_names, released_state_dict

__all__ = [
    "FeatureJointAttention",
    "ReleasedJointAttentionRegressor",
    "SkipFusion",
    "SkipLSTM",
    "attended_features",
    "load_released",
    "released_names",
    "released_state_dict",
]
