"""Displays of predictions, training and robustness, in the manner of scikit-learn."""

from avfusion.inspection._prediction_display import PredictionDisplay
from avfusion.inspection._prediction_panels import PredictionPanel
from avfusion.inspection._robustness import RobustnessDisplay, robustness_curve
from avfusion.inspection._training_display import TrainingDisplay

__all__ = [
    "PredictionDisplay",
    "PredictionPanel",
    "RobustnessDisplay",
    "TrainingDisplay",
    "robustness_curve",
]
