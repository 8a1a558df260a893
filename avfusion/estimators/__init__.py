"""Estimators: fusion networks and their baselines, as scikit-learn regressors for sequences."""

from avfusion.estimators.catalogue import all_estimators
from avfusion.estimators.cross_attention import CrossAttentionRegressor
from avfusion.estimators.dynamic_cross_attention import DynamicCrossAttentionRegressor
from avfusion.estimators.early_fusion import EarlyFusionRegressor
from avfusion.estimators.frame_regressor import FrameRegressor
from avfusion.estimators.fusion import FusionRegressor
from avfusion.estimators.gated_recursive_joint_attention import GatedRecursiveJointAttentionRegressor
from avfusion.estimators.joint_cross_attention import JointCrossAttentionRegressor
from avfusion.estimators.late_fusion import LateFusionRegressor
from avfusion.estimators.leader_follower import LeaderFollowerRegressor
from avfusion.estimators.recursive_joint_attention import RecursiveJointAttentionRegressor
from avfusion.estimators.rescaled import RescaledRegressor
from avfusion.estimators.unimodal import UnimodalRegressor

__all__ = [
    "CrossAttentionRegressor",
    "DynamicCrossAttentionRegressor",
    "EarlyFusionRegressor",
    "FrameRegressor",
    "FusionRegressor",
    "GatedRecursiveJointAttentionRegressor",
    "JointCrossAttentionRegressor",
    "LateFusionRegressor",
    "LeaderFollowerRegressor",
    "RecursiveJointAttentionRegressor",
    "RescaledRegressor",
    "UnimodalRegressor",
    "all_estimators",
]
