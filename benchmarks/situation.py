"""EPiC 2023: what six systems read from physiology, beside what the video alone predicts.

``python -m benchmarks.situation`` prints tables and writes them to ``results/situation/``. Labels and
predictions of 30 people who watched 8 videos are those that the challenge published, thinned to 2 Hz; the
file lies in ``$AVFUSION_DATA/epic2023``. Scenario 2 tests people who are new. Nothing is trained: an
estimator passes on what a system predicted, so that the block beneath the table is the only thing that is
fitted.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import LeaveOneGroupOut, PredefinedSplit

import avfusion as av
from benchmarks.report import options, publish

SYSTEMS = ("AffectiveBulls", "CARElab", "Cafeteros", "NYIT", "Princeton", "SAIL")
SCORES = ("rmse_per_recording", "rmse", "ccc")


class Given(RegressorMixin, BaseEstimator):
    """Predict what a system predicted, which is a stream of X."""

    def __init__(self, stream="SAIL", constant=None):
        self.stream = stream
        self.constant = constant

    def fit(self, X, y):
        """Keep the names of the targets."""
        self.names_ = list(y.columns)
        return self

    def predict(self, X):
        """Return the stream, one column for each target, or a constant in its form."""
        column = X[self.stream].array
        frames = column.pack().frames.astype(float)
        frames = frames if self.constant is None else np.full_like(frames, self.constant)
        targets = {name: column.with_frames(frames[:, [k]]) for k, name in enumerate(self.names_)}
        return pd.DataFrame(targets, index=X.index)


def read(scenario=2, folder=None):
    """Return recordings with the systems' predictions as streams, and their labels."""
    folder = Path(folder or os.environ["AVFUSION_DATA"])
    with np.load(folder / "epic2023" / "epic2023_2hz.npz") as file:
        data = {name: file[name] for name in file.files}
    meta = pd.DataFrame(
        data["meta_scenario_fold_subject_video"], columns=["scenario", "fold", "subject", "video"]
    )
    how = {"lengths": data["lengths"], "rate_hz": float(data["rate_hz"])}
    streams = {name: av.SequenceArray.from_packed(data[name], **how) for name in SYSTEMS}
    labels = {
        str(name): av.SequenceArray.from_packed(data["labels"][:, [k]].astype(float), **how)
        for k, name in enumerate(data["targets"])
    }
    chosen = (meta["scenario"] == scenario).to_numpy()
    X = pd.concat([meta.drop(columns="scenario"), pd.DataFrame(streams)], axis=1)[chosen]
    return X.reset_index(drop=True), pd.DataFrame(labels)[chosen].reset_index(drop=True)


def run(others_only=True, **options):
    """Compare the systems; a baseline is fitted on the other people, or on the folds of the challenge."""
    X, y = read()
    systems = {name: Given(name) for name in SYSTEMS} | {"the constant 5": Given(constant=5.0)}
    folds = LeaveOneGroupOut() if others_only else list(PredefinedSplit(X["fold"]).split())
    X = X.drop(columns="fold")
    return av.compare(systems, X, y, groups="subject", cv=folds, scoring=SCORES, verbose=False, **options)


def rows_of(result):
    """Return what is printed of a comparison: scores of baselines and systems, and partial CCC."""
    table = result.situation.table
    columns = [*(f"{SCORES[0]}: {name}" for name in ("valence", "arousal")), *SCORES]
    columns += ["partial_ccc", "partial_ccc_low", "partial_ccc_high"]
    return [{"predictor": name, **line[columns].astype(float).round(3)} for name, line in table.iterrows()]


def shares_of(result):
    """Return shares of the variance, means over targets."""
    shares = result.situation.shares
    return shares[shares["target"] == "mean"].drop(columns="target").round(3).to_dict("records")


def main(argv=None):
    """Write scores and shares on both kinds of folds."""
    folder = options(__doc__, "results/situation").parse_args(argv).output
    others, folds = run(), run(others_only=False)
    tables = {
        "baselines from all other people": rows_of(others),
        "baselines from the other folds of the challenge": rows_of(folds),
        "shares of the variance": shares_of(others),
        "in words": [{"statement": line} for line in others.situation.statements],
    }
    publish("situation", tables, folder)


if __name__ == "__main__":
    main()
