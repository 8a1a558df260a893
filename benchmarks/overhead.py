"""Cost of the estimators beyond the mathematics: `fit` and `predict` against bare PyTorch.

``python -m benchmarks.overhead`` measures

- `fit` against a bare loop over batches that were padded before, with the same network, loss, optimizer,
  clipping, schedule and moving average;
- `fit` on rows of different lengths, per frame, against the same network with packed sequences behind a
  data loader of single rows, under skorch;
- the prediction of one long recording;
- ``import avfusion``, which loads the rest when it is used, and ``from avfusion import *``, which loads all
  of it (optuna too), after torch and scikit-learn.

Contestants run in turn; times are medians, ratios are medians of the ratios of neighbouring runs.
"""

import os
import statistics
import subprocess
import sys

import numpy as np
import torch

from avfusion import RecursiveJointAttentionRegressor
from benchmarks import bare, report


def fit_against_bare(widths, n_rows, length, batch_size, epochs, repeats):
    """Compare `fit` with a bare loop on rows of one length."""
    X, y = report.recordings([length] * n_rows, widths)
    estimator = RecursiveJointAttentionRegressor(batch_size=batch_size, max_epochs=epochs, random_state=0)
    batches = bare.padded_batches(X, y, batch_size)
    tasks = {
        "fit": lambda: estimator.fit(X, y),
        "bare": lambda: bare.train(bare.default_model(widths), batches, epochs, estimator),
    }
    times = report.interleaved(tasks, repeats)
    return {
        "features": "+".join(map(str, widths.values())),
        "steps": epochs * len(batches),
        "fit (s)": statistics.median(times["fit"]),
        "bare loop (s)": statistics.median(times["bare"]),
        "fit / bare": report.median_ratio(times, "fit", "bare"),
        "at most": 1.15,
    }


def ragged_against_packed(widths, n_rows, longest, batch_size, epochs, repeats):
    """Compare the time per frame of `fit` on whole ragged rows with that of packed sequences."""
    lengths = np.random.default_rng(0).integers(longest // 10, longest + 1, n_rows)
    X, y = report.recordings(lengths, widths)
    estimator = RecursiveJointAttentionRegressor(
        batch_size=batch_size, max_epochs=epochs, window=None, random_state=0
    )
    rows = bare.Recordings(X, y)
    tasks = {
        "fit": lambda: estimator.fit(X, y),
        "packed": lambda: bare.packed_net(widths, estimator, epochs).fit(rows, None),
    }
    times = report.interleaved(tasks, repeats)
    frames = epochs * lengths.sum()
    return {
        "lengths": f"{longest // 10} to {longest}",
        "fit (us per frame)": 1e6 * statistics.median(times["fit"]) / frames,
        "packed (us per frame)": 1e6 * statistics.median(times["packed"]) / frames,
        "packed / fit": report.median_ratio(times, "packed", "fit"),
        "at least": 3.0,
    }


def long_prediction(widths, n_steps, repeats):
    """Time the prediction of one recording of `n_steps`."""
    estimator = RecursiveJointAttentionRegressor(max_epochs=1, random_state=0)
    estimator.fit(*report.recordings([50] * 8, widths))
    X, _ = report.recordings([n_steps], widths)
    times = report.interleaved({"predict": lambda: estimator.predict(X)}, repeats)["predict"]
    return {
        "features": "+".join(map(str, widths.values())),
        "steps": n_steps,
        "predict (s)": statistics.median(times),
        "fastest (s)": min(times),
        "at most (s)": 3.0,
    }


def import_time(statement, repeats):
    """Time an import in fresh processes that have torch and scikit-learn already."""
    before = "import time, torch, sklearn.linear_model, sklearn.model_selection, sklearn.pipeline"
    clocks = f"begin = time.perf_counter(); {statement}; print(time.perf_counter() - begin)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", f"{before}; {clocks}"],
            capture_output=True, text=True, check=True, env=environment,
        ).stdout
        for _ in range(repeats)
    ]  # fmt: skip
    times = [float(output) for output in outputs]
    fastest = min(times)
    return {
        "statement": statement,
        "import (s)": statistics.median(times),
        "fastest (s)": fastest,
        "at most (s)": 0.3,
    }


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--rows", type=int, default=160, help="recordings")
    parser.add_argument("--length", type=int, default=300, help="steps of a recording")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--hour", type=int, default=90_000, help="steps of the long recording: 1 h at 25 Hz")
    chosen = parser.parse_args(arguments)
    epochs, repeats = (1, min(3, chosen.repeats)) if chosen.short else (chosen.epochs, chosen.repeats)
    torch.manual_seed(0)
    narrow, wide = {"audio": 64, "video": 128}, {"audio": 512, "video": 512}
    work = (chosen.rows, chosen.length, 16, epochs, repeats)
    tables = {
        "fit against a bare loop": [fit_against_bare(widths, *work) for widths in (narrow, wide)],
        "ragged rows against packed sequences": [
            ragged_against_packed(narrow, chosen.rows, 2 * chosen.length, 16, 1, min(3, repeats))
        ],
        "prediction of a long recording": [long_prediction(wide, chosen.hour, repeats)],
        "import": [import_time(s, repeats) for s in ("import avfusion", "from avfusion import *")],
    }
    report.publish("overhead", tables, chosen.output)


if __name__ == "__main__":
    main()
