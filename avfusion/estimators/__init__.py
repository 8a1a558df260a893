"""Bases of the estimators, and those that are no published fusion method, as scikit-learn regressors."""

from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.estimators._frame_regressor import FrameRegressor
from avfusion.estimators._fusion_regressor import FusionRegressor
from avfusion.estimators._late_fusion import LateFusionRegressor
from avfusion.estimators._rescaled import RescaledRegressor
from avfusion.estimators._stimulus_mean import PersonMeanRegressor, StimulusMeanRegressor
from avfusion.estimators._time_course import TimeCourseRegressor
from avfusion.estimators._unimodal import UnimodalRegressor

__all__ = [
    "EncodedFusionRegressor",
    "FrameRegressor",
    "FusionRegressor",
    "FusionTags",
    "LateFusionRegressor",
    "PersonMeanRegressor",
    "RescaledRegressor",
    "StimulusMeanRegressor",
    "TimeCourseRegressor",
    "UnimodalRegressor",
]
