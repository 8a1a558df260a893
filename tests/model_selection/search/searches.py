"""Small searches that several test files run."""

import numpy as np
from optuna.distributions import FloatDistribution
from sklearn.linear_model import Ridge

import avfusion as av

ALPHAS = [1e-2, 1.0, 1e2, 1e4]
NETWORK = av.EarlyFusionRegressor(hidden_size=4, max_epochs=4, window=10, random_state=0)
SPACE = {"frameregressor__regressor__alpha": ALPHAS}


def table_search(**changes):
    settings = {"estimator": Ridge(), "space": {"alpha": FloatDistribution(0.1, 100)}, "cv": 3, "n_trials": 4}
    return av.FusionSearchCV(**(settings | {"random_state": 0, "refit": False} | changes))


def negative_mae(estimator, X, y):
    return -np.abs(estimator.predict(X) - y).mean()
