"""What a user may write: type checkers must not object to it, and must know what comes back."""

from typing import Any, TypeAlias, assert_type

import numpy as np
import pandas as pd
import torch
from numpy.random import RandomState
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.fusion import LowRankFusion

Predictions: TypeAlias = pd.DataFrame | pd.Series | np.ndarray


def absolute_error(prediction: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return a loss of the user's."""
    return (prediction - target)[mask].abs().mean()


X, y = av.datasets.make_audiovisual_regression(8, audio_rate_hz=1, video_rate_hz=1, random_state=0)
frames = [np.zeros((30, 4)), np.zeros((20, 4))]
assert_type(
    av.as_sequences({"audio": frames, "video": frames}, rate_hz={"audio": 25, "video": 2.5}), pd.DataFrame
)

model = av.RecursiveJointAttentionRegressor(
    n_recursions=2,
    loss=absolute_error,
    optimizer=torch.optim.SGD,
    device=torch.device("cpu"),
    random_state=RandomState(0),
    modalities=("audio", "video"),
    callbacks=[],
    window=None,
    batch_size="auto",
    max_epochs=1,
)
assert_type(model.fit(X, y, groups="subject"), av.RecursiveJointAttentionRegressor)
assert_type(model.predict(X), Predictions)
assert_type(model.score(X, y), float)
assert_type(model.partial_fit(X, y), av.RecursiveJointAttentionRegressor)

own = av.EncodedFusionRegressor(core=LowRankFusion, core__rank=2, hidden_size=8, max_epochs=1)
assert_type(own.fit(X, y).predict(X), Predictions)
av.UnimodalRegressor("audio", loss="ccc", optimizer="adam", device="cpu", random_state=0)
av.ReleasedJointAttentionRegressor(dropout_site="attended", hidden_size=8)

ridge = make_pipeline(
    av.Align(rate_hz=1.0), av.AddContext(widths_s=(1, 5)), av.OnFrames(), av.FrameRegressor(Ridge())
)
late = av.LateFusionRegressor(
    [("audio", av.UnimodalRegressor("audio", max_epochs=1), "audio")], weights=[1.0]
)
assert_type(late.fit(X, y), av.LateFusionRegressor)
assert_type(av.RescaledRegressor(ridge, groups="subject").fit(X, y).predict(X), Predictions)
assert_type(av.Align(rate_hz=1.0).fit(X).transform(X), pd.DataFrame | np.ndarray)

result = av.compare(
    {"ridge": ridge, "own": own}, X, y, groups="subject", cv=2, scoring=["ccc", "mae"], n_seeds=1
)
assert_type(result, av.Comparison)
assert_type(result.table, pd.DataFrame)
result.plot(score="ccc")

search = av.FusionSearchCV(own, {"core__rank": [1, 2]}, cv=2, n_trials=2, random_state=0)
assert_type(search.fit(X, y, groups="subject"), av.FusionSearchCV)
assert_type(search.predict(X), Predictions)
best: dict[str, Any] = search.best_params_
