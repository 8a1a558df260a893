"""The main job: fusion methods and their baselines, compared by cross-validation over several seeds.

``python -m benchmarks.accuracy --data synthetic`` (or ``studyforrest``) prints a table and writes it, a plot,
all out-of-fold predictions and the settings to ``results/<data>/``. Every estimator has its default
parameters but for what is written below. Finished fits are kept in ``results/<data>/runs/``: a call that was
stopped goes on when it is repeated. ``--methods family`` takes every fusion network of the package instead of
the usual methods, ``all`` both; with the family comes, on real recordings, one network whose settings are
chosen inside the training segments.
"""

import argparse
import json
from pathlib import Path

from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from benchmarks import report


def synthetic(data_home, target=None):
    """Forty recordings of 8 people, half of the label visible only in both streams together."""
    X, y = av.datasets.make_audiovisual_regression(random_state=0)
    return X, y.to_frame(), "subject", GroupKFold(4), {"networks": (1, 5, 21), "classical": (1, 5, 21)}


def studyforrest(data_home, target="arousal"):
    """Arousal (or valence) in eight segments of a film, from six descriptors of its sound and picture."""
    X, y = av.datasets.fetch_studyforrest(data_home)
    widths_s = {"networks": (1, 5, 21, 61), "classical": (1, 5, 15, 31, 61, 121)}
    return X, y[[target]], "segment", LeaveOneGroupOut(), widths_s


def pipeline(estimator, widths_s):
    """Return an estimator behind what all of them have: one frame a second, context, standard scores."""
    align = av.Align(rate_hz=1.0, aggregate=("mean", "std"))
    return make_pipeline(align, av.AddContext(widths_s=widths_s), av.OnFrames(StandardScaler()), estimator)


def usual_methods(X, y, groups, widths_s):
    """Return the estimators by name."""

    def classical(estimator):
        return pipeline(estimator, widths_s["classical"])

    def rescaled(estimator):
        return classical(av.RescaledRegressor(estimator, groups=groups))

    ridge = av.FrameRegressor(Ridge(alpha=1000))
    trees = av.FrameRegressor(HistGradientBoostingRegressor(max_iter=100, learning_rate=0.05))
    attention = av.RecursiveJointAttentionRegressor
    usual = av.baselines(X, y, context_s=widths_s["networks"])
    return {
        "ridge": classical(ridge),
        "ridge, rescaled": rescaled(ridge),
        "gradient boosting": classical(trees),
        "gradient boosting, rescaled": rescaled(trees),
        "audio only": usual["only-audio"],
        "video only": usual["only-video"],
        "late fusion": usual["late-fusion"],
        "early fusion": usual["early-fusion"],
        "LSTMs, no attention": pipeline(attention(n_recursions=0), widths_s["networks"]),
        "recursive joint attention": usual["joint-attention"],
        "recursive joint attention, mean of 5": pipeline(attention(n_members=5), widths_s["networks"]),
    }


#: What has little or no randomness, or averages it, and is run with one seed.
ONCE = (
    "ridge",
    "ridge, rescaled",
    "gradient boosting",
    "gradient boosting, rescaled",
    "recursive joint attention, mean of 5",
)


def family(widths_s):
    """Return every network that fuses streams, by the name of its class, untuned."""
    listed = av.all_estimators().query("`any length`")["estimator"]  # not the released network: 512 features
    fusing = {name: cls for name, cls in listed.items() if issubclass(cls, av.FusionRegressor)}
    return {name: pipeline(cls(), widths_s["networks"]) for name, cls in fusing.items()}


def chosen_inside(widths_s):
    """Return one network whose settings are chosen by leaving out each training segment in turn.

    The defaults were chosen with all segments in view; what this reaches was not.
    """
    network = pipeline(av.RecursiveJointAttentionRegressor(), widths_s["networks"])
    name = network.steps[-1][0]
    candidates = [
        {f"{name}__n_recursions": [n], f"{name}__input_noise": [noise]}
        for n, noise in ((0, 0.5), (0, 0.0), (1, 0.5), (1, 0.0))
    ]
    search = GridSearchCV(network, candidates, cv=LeaveOneGroupOut(), scoring=av.metrics.scorers["ccc"])
    return {"recursive joint attention, settings chosen inside": search}


def methods(which, X, y, groups, widths_s, real):
    """Return the estimators by name of the usual methods, of the family, or of all."""
    chosen = usual_methods(X, y, groups, widths_s) if which != "family" else {}
    if which != "usual":
        chosen |= family(widths_s) | (chosen_inside(widths_s) if real else {})
    return chosen


def compared(estimators, X, y, *, groups, cv, runs, jobs):
    """Compare estimators, each given with its number of seeds; finished fits are kept in `runs`."""
    with report.one_thread_each():
        return av.compare(
            {name: estimator for name, (estimator, _) in estimators.items()},
            X,
            y,
            groups=groups,
            cv=cv,
            n_seeds={name: seeds for name, (_, seeds) in estimators.items() if seeds > 1},
            resume=runs / report.code(),
            n_jobs=jobs,
        )


def save(comparison, folder):
    """Write a comparison, and on what machine it was made."""
    comparison.save(folder)
    machine = json.dumps(report.machine(), indent=2)
    report.write_in_one_step(folder / "machine.json", lambda path: path.write_text(machine))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=["synthetic", "studyforrest"], default="synthetic")
    parser.add_argument("--target", choices=["arousal", "valence"], default="arousal", help="of studyforrest")
    parser.add_argument("--methods", choices=["usual", "family", "all"], default="usual")
    parser.add_argument("--data-home", help="folder of downloaded data sets (default: ~/avfusion_data)")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds of the networks")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--output", type=Path, help="folder of the results (default: results/<data>[-...])")
    parser.add_argument("--runs", type=Path, help="folder of finished fits (default: results/<data>/runs)")
    options = parser.parse_args(arguments)
    home = Path("results") / options.data
    special = [choice for choice in (options.target, options.methods) if choice not in ("arousal", "usual")]
    folder = options.output or home.with_name("-".join([options.data, *special]))

    X, y, groups, cv, widths_s = {"synthetic": synthetic, "studyforrest": studyforrest}[options.data](
        options.data_home, options.target
    )
    estimators = methods(options.methods, X, y, groups, widths_s, real=options.data != "synthetic")
    comparison = compared(
        {name: (estimator, 1 if name in ONCE else options.seeds) for name, estimator in estimators.items()},
        X,
        y,
        groups=groups,
        cv=cv,
        runs=options.runs or home / "runs",
        jobs=options.jobs,
    )
    save(comparison, folder)
    print(comparison.to_markdown())
    print(f"Table, plot and all predictions are in {folder}/")


if __name__ == "__main__":
    main()
