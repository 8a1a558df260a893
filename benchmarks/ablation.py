"""What each part of recursive joint attention is worth: one thing changed at a time, in pairs.

``python -m benchmarks.ablation --data studyforrest`` (``pom``, ``synthetic``) fits the default and each
variant with the same seeds on the same folds. Finished fits are kept: a call that was stopped goes on when it
is repeated. A difference is the mean over seeds of the score of a variant minus that of the network that
differs from it in one thing (the default, or what the column "against" names) with the same seed, out of
fold. Its interval is a bootstrap over groups, with the same resamples for all seeds and variants; the spread
of the difference between seeds stands beside it. The first tells whether other recordings would say the same,
the second whether other weights would. The intervals are not corrected for their number.
"""

import argparse
import inspect
from pathlib import Path

import numpy as np

import avfusion as av
from avfusion._sklearn_compat import _safe_indexing
from avfusion.model_selection.comparison._bootstrap import Resamples
from avfusion.model_selection.comparison._scores import resolve_scoring
from benchmarks import accuracy, report, runs

DEFAULT = "default"
AGAINST = {  # what differs in one thing only, where that is not the default
    "attention over features": "attention over time, windows of 16",
    "gate over recursions": "2 recursions",
    "hierarchical gate over recursions": "2 recursions",
}
MAIN = av.RecursiveJointAttentionRegressor


def variants(only=None):
    """Return estimators by name: the default, then one change at a time."""
    changes = {f"{n} recursions": {"n_recursions": n} for n in (0, 1, 2, 3, 4)}
    changes |= {
        "no LSTM of the streams": {"intra_lstm": False},
        "no joint LSTM": {"joint_lstm": False},
        "no LSTM": {"intra_lstm": False, "joint_lstm": False},
        "tanh for softmax": {"attention": "tanh"},
        "attention over features": {"attention_axis": "feature", "window": 16},
        "attention over time, windows of 16": {"window": 16},
        "layer norm of inputs": {"input_norm": "layer"},
        "no norm of inputs": {"input_norm": None},
    }
    default = MAIN().get_params()
    known = set(inspect.signature(MAIN).parameters)
    made = {DEFAULT: MAIN()}
    for name, change in changes.items():
        if set(change) <= known and any(default[key] != value for key, value in change.items()):
            made[name] = MAIN(**change)
    made |= gates()
    if only:
        only = {DEFAULT, *only, *(AGAINST[name] for name in only if name in AGAINST)}
    return {name: made[name] for name in made if not only or name in only}


def gates():
    """Return what has gates, as far as there is such an estimator."""
    listed = av.estimators.all_estimators()["estimator"]
    gated, dynamic = (
        listed.get(f"{name}Regressor") for name in ("GatedRecursiveJointAttention", "DynamicCrossAttention")
    )
    made = {}
    if gated is not None:
        made["gate over recursions"] = gated(n_recursions=2)
        made["hierarchical gate over recursions"] = gated(n_recursions=2, gate="hierarchical")
    if dynamic is not None:
        made["dynamic gate"] = dynamic()
    return made


def pom(data_home):
    """Sixteen ratings of spoken reviews; one fold, the official training and test rows."""
    X, y = av.datasets.fetch_pom(data_home)
    rows = [np.flatnonzero(X["split"] == name) for name in ("train", "test")]
    return X[["audio", "video"]], y.drop(columns="sentiment"), None, [tuple(rows)], None


DATA = {"synthetic": accuracy.synthetic, "studyforrest": accuracy.studyforrest, "pom": pom}


def differences(comparison, n_seeds, score="ccc", level=0.95, n_resamples=2000, random_state=0):
    """Compare each variant with the default, both named ``"variant #seed"`` in a comparison.

    Returns
    -------
    list of dict
        One line per variant: the score, mean over seeds, and its standard deviation; what it is compared
        with; difference, ends of its interval, standard deviation over seeds, and the number of seeds in
        which the variant scored higher.
    """
    scoring = resolve_scoring(score)[score]
    rows = np.flatnonzero(comparison.fold_of_row >= 0)
    y = _safe_indexing(comparison.y, rows)
    groups = None if comparison.group_of_row is None else comparison.group_of_row[rows]

    def resampled(variant):
        """Return the mean over seeds of the scores of each resample; the same resamples for all."""
        seeds = [
            scoring.resampled(
                y,
                _safe_indexing(comparison.predictions[f"{variant} #{seed}"], rows),
                groups=groups,
                n_resamples=n_resamples,
                random_state=random_state,
            )
            for seed in range(n_seeds)
        ]
        return Resamples(np.mean([own.scores for own in seeds], axis=0), seeds[0].n_groups)

    def scores(variant):
        return np.array([comparison.table.loc[f"{variant} #{seed}", score] for seed in range(n_seeds)])

    def sd(values):
        return float(values.std(ddof=1)) if len(values) > 1 else None

    names = list(dict.fromkeys(name.rpartition(" #")[0] for name in comparison.predictions))
    lines, kept = [], {}
    for name in {DEFAULT, *AGAINST.values()} & set(names):
        kept[name] = scores(name), resampled(name)
    for name in names:
        own = scores(name)
        line = {"variant": name, score: float(own.mean()), "sd of seeds": sd(own)}
        if name != DEFAULT:
            against = AGAINST.get(name, DEFAULT)
            reference, of_reference = kept[against]
            change = own - reference
            low, high = (resampled(name) - of_reference).interval(level)
            line |= {"against": against, "difference": float(change.mean()), "low": low, "high": high}
            line |= {"sd of difference": sd(change), "seeds higher": f"{(change > 0).sum()} of {n_seeds}"}
        lines.append(line)
    columns = list(dict.fromkeys(key for line in reversed(lines) for key in line))
    return [{column: line.get(column, "") for column in columns} for line in lines]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=list(DATA), default="synthetic")
    parser.add_argument("--data-home", help="folder of downloaded data sets (default: ~/avfusion_data)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these variants, beside the default")
    parser.add_argument("--epochs", type=int, help="fewer epochs than the default, for a look")
    parser.add_argument("--output", type=Path, default=Path("results/ablation"), help="folder of the results")
    parser.add_argument("--runs", type=Path, help="folder of finished fits (default: runs in the output)")
    options = parser.parse_args(arguments)

    X, y, groups, cv, widths_s = DATA[options.data](options.data_home)
    estimators = {}
    for seed in range(options.seeds):
        for name, network in variants(options.only).items():
            network.set_params(random_state=seed)
            if options.epochs:
                network.set_params(max_epochs=options.epochs)
            whole = network if widths_s is None else accuracy.pipeline(network, widths_s["networks"])
            estimators[f"{name} #{seed}"] = whole
    folder = options.runs or options.output / "runs"
    comparison = runs.compare(estimators, X, y, groups=groups, cv=cv, folder=folder, n_jobs=options.jobs)
    tables = {
        f"{score} on {options.data}, {options.seeds} seeds": differences(comparison, options.seeds, score)
        for score in ("ccc", "mae")
    }
    report.publish(options.data, tables, options.output)


if __name__ == "__main__":
    main()
