# The public names and where they live; read by type checkers and, at run time, by `__init__.py`.

from ._dask_backend import DaskBackend
from ._rerun import rerun
from .comparison._baselines import baselines
from .comparison._compare import compare
from .comparison._comparison import Comparison
from .comparison._corrected_test import corrected_resampled_t_test
from .comparison._differences import paired_differences
from .comparison._learning_curve import LearningCurve, group_learning_curve
from .comparison._ranking import Ranking, rank_estimators
from .leakage._check import check_leakage
from .leakage._permutation_test import PermutationTest, permutation_test
from .leakage._report import LeakageReport, LeakageWarning
from .search._objective import optuna_objective
from .search._search import FusionSearchCV
from .search._search_spaces import search_space
from .splitters._crossed_group_k_fold import CrossedGroupKFold
from .splitters._purged_time_k_fold import PurgedTimeKFold

__all__ = [
    "Comparison",
    "CrossedGroupKFold",
    "DaskBackend",
    "FusionSearchCV",
    "LeakageReport",
    "LeakageWarning",
    "LearningCurve",
    "PermutationTest",
    "PurgedTimeKFold",
    "Ranking",
    "baselines",
    "check_leakage",
    "compare",
    "corrected_resampled_t_test",
    "group_learning_curve",
    "optuna_objective",
    "paired_differences",
    "permutation_test",
    "rank_estimators",
    "rerun",
    "search_space",
]
