"""Displays of predictions, training, robustness and modalities, in the manner of scikit-learn."""

from avfusion.inspection._modality_importance import ModalityImportanceDisplay, modality_importance
from avfusion.inspection._prediction_display import PredictionDisplay
from avfusion.inspection._prediction_panels import PredictionPanel
from avfusion.inspection._robustness import RobustnessDisplay, robustness_curve
from avfusion.inspection._training_display import TrainingDisplay

__all__ = [
    "ModalityImportanceDisplay",
    "PredictionDisplay",
    "PredictionPanel",
    "RobustnessDisplay",
    "TrainingDisplay",
    "modality_importance",
    "robustness_curve",
]
