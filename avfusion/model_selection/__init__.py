"""Fair comparison of estimators: the same folds for all, intervals over groups."""

from avfusion.model_selection.bootstrap import bootstrap_interval
from avfusion.model_selection.compare import compare
from avfusion.model_selection.comparison import Comparison

__all__ = ["Comparison", "bootstrap_interval", "compare"]
