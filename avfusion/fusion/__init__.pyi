# Written by `make derived`: public names and where they are, for type checkers.

from ._auto_fusion import AutoFusionRegressor
from ._check import check_core, check_network
from .bottleneck_transformer import BottleneckTransformer, BottleneckTransformerRegressor
from .cross_attention import CrossAttention, CrossAttentionRegressor
from .dynamic_cross_attention import DynamicCrossAttentionRegressor, DynamicGate
from .early_fusion import EarlyFusionRegressor
from .gated_multimodal_unit import GatedMultimodalRegressor, GatedMultimodalUnit
from .gated_recursive_joint_attention import (
    GatedRecursiveJointAttentionRegressor,
    HierarchicalGate,
    RecursionGate,
)
from .joint_cross_attention import JointCrossAttentionRegressor
from .leader_follower import LeaderFollower, LeaderFollowerAttention, LeaderFollowerRegressor
from .low_rank_fusion import LowRankFusion, LowRankFusionRegressor
from .multimodal_transformer import MultimodalTransformer, MultimodalTransformerRegressor
from .recursive_joint_attention import RecursiveJointAttentionRegressor
from .tensor_fusion import TensorFusion, TensorFusionRegressor

__all__ = [
    "AutoFusionRegressor",
    "BottleneckTransformer",
    "BottleneckTransformerRegressor",
    "CrossAttention",
    "CrossAttentionRegressor",
    "DynamicCrossAttentionRegressor",
    "DynamicGate",
    "EarlyFusionRegressor",
    "GatedMultimodalRegressor",
    "GatedMultimodalUnit",
    "GatedRecursiveJointAttentionRegressor",
    "HierarchicalGate",
    "JointCrossAttentionRegressor",
    "LeaderFollower",
    "LeaderFollowerAttention",
    "LeaderFollowerRegressor",
    "LowRankFusion",
    "LowRankFusionRegressor",
    "MultimodalTransformer",
    "MultimodalTransformerRegressor",
    "RecursionGate",
    "RecursiveJointAttentionRegressor",
    "TensorFusion",
    "TensorFusionRegressor",
    "check_core",
    "check_network",
]
