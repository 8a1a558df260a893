"""Cost of a comparison beside the fits and predictions that it compares.

``python -m benchmarks.comparison`` compares three ridge regressions over 400 recordings of 40 people in 5
folds, and prints how many times labels were read, and the seconds in fit, in predict and elsewhere. Tables go
to ``results/bench/``.
"""

import time
from pathlib import Path
from unittest import mock

import numpy as np
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.sequences import _targets
from benchmarks import report


def data(n_recordings, n_groups, n_frames, widths):
    """Return X with two streams and a subject, y with two targets per frame."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(n_frames // 2, n_frames, size=n_recordings)
    X, y = report.recordings(lengths, widths)
    y = av.as_sequences({name: [label + noise for label in y] for name, noise in (("a", 0.0), ("b", 1.0))})
    return X.assign(subject=np.arange(n_recordings) % n_groups), y


def measure(X, y, models):
    """Return one line: how often labels were read, and where the time went."""
    with mock.patch.object(_targets, "_checked", wraps=_targets._checked) as parses:
        begin = time.perf_counter()
        result = av.compare(models, X, y, groups="subject", cv=5, verbose=False)
        total = time.perf_counter() - begin
    fit_s, predict_s = result.folds["fit_s"].sum(), result.folds["predict_s"].sum()
    elsewhere = total - fit_s - predict_s
    return {
        "recordings": len(X),
        "groups": X["subject"].nunique(),
        "models": len(models),
        "labels read": parses.call_count,
        "fit (s)": fit_s,
        "predict (s)": predict_s,
        "elsewhere (s)": elsewhere,
        "elsewhere (share)": elsewhere / total,
    }


def main(arguments=None):
    options = report.options(__doc__).parse_args(arguments)
    n_recordings, n_groups, n_frames = (40, 8, 60) if options.short else (400, 40, 600)
    X, y = data(n_recordings, n_groups, n_frames, {"audio": 88, "video": 128})
    models = {f"ridge {alpha:g}": av.FrameRegressor(Ridge(alpha)) for alpha in (1.0, 10.0, 100.0)}
    av.compare(models, X.iloc[:20], y.iloc[:20], cv=2, groups="subject", verbose=False)  # imports and caches
    report.publish("comparison", {"three ridge regressions": [measure(X, y, models)]}, Path(options.output))


if __name__ == "__main__":
    main()
