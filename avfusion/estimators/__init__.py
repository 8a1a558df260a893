"""Estimators: fusion networks and their baselines, as scikit-learn regressors for sequences."""

from avfusion.estimators._discovery import all_estimators
from avfusion.estimators._frame_regressor import FrameRegressor
from avfusion.estimators._late_fusion import LateFusionRegressor
from avfusion.estimators._network_regressor import FusionRegressor
from avfusion.estimators._rescaled import RescaledRegressor
from avfusion.estimators._unimodal import UnimodalRegressor
from avfusion.estimators.bottleneck_transformer import BottleneckTransformerRegressor
from avfusion.estimators.cross_attention import CrossAttentionRegressor
from avfusion.estimators.dynamic_cross_attention import DynamicCrossAttentionRegressor
from avfusion.estimators.early_fusion import EarlyFusionRegressor
from avfusion.estimators.gated_multimodal_unit import GatedMultimodalRegressor
from avfusion.estimators.gated_recursive_joint_attention import GatedRecursiveJointAttentionRegressor
from avfusion.estimators.joint_cross_attention import JointCrossAttentionRegressor
from avfusion.estimators.leader_follower import LeaderFollowerRegressor
from avfusion.estimators.low_rank_fusion import LowRankFusionRegressor
from avfusion.estimators.multimodal_transformer import MultimodalTransformerRegressor
from avfusion.estimators.recursive_joint_attention import RecursiveJointAttentionRegressor
from avfusion.estimators.tensor_fusion import TensorFusionRegressor

__all__ = [
    "BottleneckTransformerRegressor",
    "CrossAttentionRegressor",
    "DynamicCrossAttentionRegressor",
    "EarlyFusionRegressor",
    "FrameRegressor",
    "FusionRegressor",
    "GatedMultimodalRegressor",
    "GatedRecursiveJointAttentionRegressor",
    "JointCrossAttentionRegressor",
    "LateFusionRegressor",
    "LeaderFollowerRegressor",
    "LowRankFusionRegressor",
    "MultimodalTransformerRegressor",
    "RecursiveJointAttentionRegressor",
    "RescaledRegressor",
    "TensorFusionRegressor",
    "UnimodalRegressor",
    "all_estimators",
]
