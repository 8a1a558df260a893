"""Ablation of recursive joint attention: one thing changed at a time, in pairs.

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
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import avfusion as av
from avfusion.model_selection import paired_differences
from avfusion.networks import AttentionStack
from avfusion.released import FeatureJointAttention
from benchmarks import accuracy, report

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
    made["attention over features"] = av.EncodedFusionRegressor(core=over_features, window=16)
    made |= gates()
    if only:
        only = {DEFAULT, *only, *(AGAINST[name] for name in only if name in AGAINST)}
    return {name: made[name] for name in made if not only or name in only}


def over_features(n_modalities, hidden_size, window, dropout):
    """Return a core with one step of the attention of the released code."""
    step = partial(FeatureJointAttention, n_steps=window, dropout=dropout)
    return AttentionStack(n_modalities, hidden_size, step)


def gates():
    """Return what has gates, as far as there is such an estimator."""
    listed = av.all_estimators()["estimator"]
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


def differences(comparison, score="ccc", **options):
    """Compare each variant with what differs from it in one thing.

    Returns
    -------
    list of dict
        One line per variant: the score, mean over seeds, and its standard deviation; what it is compared
        with; difference, ends of its interval, standard deviation over seeds, and the number of seeds in
        which the variant scored higher.
    """
    by_seed = {name: runs[score].to_numpy() for name, runs in comparison.seeds.groupby("estimator")}
    tables = {}
    lines = []
    for name in comparison.table.index:
        own = by_seed[name]
        spread = float(own.std(ddof=1)) if len(own) > 1 else None
        line = {"variant": name, score: float(own.mean()), "sd of seeds": spread}
        if name != DEFAULT:
            against = AGAINST.get(name, DEFAULT)
            if against not in tables:
                tables[against] = paired_differences(comparison, against, score=score, **options)
            paired = tables[against].loc[name]
            change = own - by_seed[against]
            line |= {"against": against, **{key: float(paired[key]) for key in ("difference", "low", "high")}}
            line["sd of difference"] = float(paired["seed_std"]) if len(own) > 1 else None
            line["seeds higher"] = f"{(change > 0).sum()} of {len(change)}"
        lines.append(line)
    return pd.DataFrame(lines)[list(lines[-1])].astype(object).fillna("").to_dict("records")


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
    for name, network in variants(options.only).items():
        if options.epochs:
            network.set_params(max_epochs=options.epochs)
        whole = network if widths_s is None else accuracy.pipeline(network, widths_s["networks"])
        estimators[name] = whole
    folder = (options.runs or options.output / "runs") / report.code()
    with report.one_thread_each():
        comparison = av.compare(
            estimators, X, y, groups=groups, cv=cv, n_seeds=options.seeds, resume=folder, n_jobs=options.jobs
        )
    tables = {
        f"{score} on {options.data}, {options.seeds} seeds": differences(comparison, score)
        for score in ("ccc", "mae")
    }
    report.publish(options.data, tables, options.output)


if __name__ == "__main__":
    main()
