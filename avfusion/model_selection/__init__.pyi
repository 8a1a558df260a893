# The public names and where they live; read by type checkers and, at run time, by `__init__.py`.

from .bootstrap import bootstrap_interval
from .compare import compare
from .comparison import Comparison
from .search import FusionSearchCV, optuna_objective
from .search_spaces import search_space

__all__ = [
    "Comparison",
    "FusionSearchCV",
    "bootstrap_interval",
    "compare",
    "optuna_objective",
    "search_space",
]
