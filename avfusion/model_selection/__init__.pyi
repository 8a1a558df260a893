# The public names and where they live; read by type checkers and, at run time, by `__init__.py`.

from .bootstrap import bootstrap_interval
from .compare import compare
from .comparison import Comparison
from .differences import corrected_resampled_t_test, paired_differences
from .leakage import LeakageReport, LeakageWarning, check_leakage
from .learning_curve import LearningCurve, group_learning_curve
from .objective import optuna_objective
from .ranking import Ranking, rank_estimators
from .recipe import rerun
from .search import FusionSearchCV
from .search_spaces import search_space

__all__ = [
    "Comparison",
    "FusionSearchCV",
    "LeakageReport",
    "LeakageWarning",
    "LearningCurve",
    "Ranking",
    "bootstrap_interval",
    "check_leakage",
    "compare",
    "corrected_resampled_t_test",
    "group_learning_curve",
    "optuna_objective",
    "paired_differences",
    "rank_estimators",
    "rerun",
    "search_space",
]
