"""Estimators: fusion networks and their baselines, as scikit-learn regressors for sequences."""

from avfusion.estimators.catalogue import all_estimators
from avfusion.estimators.early_fusion import EarlyFusionRegressor
from avfusion.estimators.frame_regressor import FrameRegressor
from avfusion.estimators.fusion import FusionRegressor
from avfusion.estimators.late_fusion import LateFusionRegressor
from avfusion.estimators.recursive_joint_attention import RecursiveJointAttentionRegressor
from avfusion.estimators.rescaled import RescaledRegressor
from avfusion.estimators.unimodal import UnimodalRegressor

__all__ = [
    "EarlyFusionRegressor",
    "FrameRegressor",
    "FusionRegressor",
    "LateFusionRegressor",
    "RecursiveJointAttentionRegressor",
    "RescaledRegressor",
    "UnimodalRegressor",
    "all_estimators",
]
