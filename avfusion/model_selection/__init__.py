"""Comparison and search: the same folds for all estimators, intervals over groups, searches that resume.

Five rooms: `comparison` (compare, statistics, learning curves), `search` (Optuna inside cross-validation),
`leakage` (information about the test rows that reaches training), `splitters` (folds for questions that
scikit-learn's do not ask) and `records` (how a result was made, so
that it can be run again).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
