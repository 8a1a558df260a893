"""Compare estimators on the same folds: out-of-fold predictions, intervals, differences, ranks."""
