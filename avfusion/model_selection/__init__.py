"""Fair comparison and search: the same folds for all, intervals over groups, trials that can be resumed.

Four rooms: `comparison` (compare, statistics, learning curves), `search` (Optuna inside cross-validation),
`leakage` (what training should not know of the test rows) and `records` (how a result was made, so that it
can be run again).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
