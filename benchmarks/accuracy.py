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

import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from benchmarks import runs
from benchmarks.report import machine, write_in_one_step

COLUMNS = {
    "ccc": "CCC",
    "ccc_low": "low",
    "ccc_high": "high",
    "ccc_group_mean": "CCC per group",
    "pcc": "r",
    "mae": "MAE",
    "fit_s": "fit (s)",
}


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


def usual_methods(groups, widths_s, seed):
    """Return the estimators by name; those with little or no randomness only for the first seed."""

    def network(estimator):
        return pipeline(estimator, widths_s["networks"])

    def classical(estimator):
        return pipeline(estimator, widths_s["classical"])

    def rescaled(estimator):
        return classical(av.RescaledRegressor(estimator, groups=groups))

    ridge = av.FrameRegressor(Ridge(alpha=1000))
    trees = av.FrameRegressor(HistGradientBoostingRegressor(max_iter=100, learning_rate=0.05))
    fixed = {
        "ridge": classical(ridge),
        "ridge, rescaled": rescaled(ridge),
        "gradient boosting": classical(trees),
        "gradient boosting, rescaled": rescaled(trees),
    }
    networks = {
        "audio only": network(av.UnimodalRegressor("audio", random_state=seed)),
        "video only": network(av.UnimodalRegressor("video", random_state=seed)),
        "late fusion": network(av.LateFusionRegressor(random_state=seed)),
        "early fusion": network(av.EarlyFusionRegressor(random_state=seed)),
        "LSTMs, no attention": network(
            av.RecursiveJointAttentionRegressor(n_recursions=0, random_state=seed)
        ),
        "recursive joint attention": network(av.RecursiveJointAttentionRegressor(random_state=seed)),
    }
    if seed:
        return networks
    mean = network(av.RecursiveJointAttentionRegressor(n_members=5, random_state=0))
    return fixed | networks | {"recursive joint attention, mean of 5": mean}


def family(groups, widths_s, seed):
    """Return every network that fuses streams, by the name of its class, untuned."""
    listed = av.all_estimators().query("`any length`")["estimator"]  # not the released network: 512 features
    fusing = {name: cls for name, cls in listed.items() if issubclass(cls, av.FusionRegressor)}
    return {name: pipeline(cls(random_state=seed), widths_s["networks"]) for name, cls in fusing.items()}


def chosen_inside(groups, widths_s, seed):
    """Return one network whose settings are chosen by leaving out each training segment in turn.

    The defaults were chosen with all segments in view; what this reaches was not.
    """
    network = pipeline(av.RecursiveJointAttentionRegressor(random_state=seed), widths_s["networks"])
    name = network.steps[-1][0]
    candidates = [
        {f"{name}__n_recursions": [n], f"{name}__input_noise": [noise]}
        for n, noise in ((0, 0.5), (0, 0.0), (1, 0.5), (1, 0.0))
    ]
    search = GridSearchCV(network, candidates, cv=LeaveOneGroupOut(), scoring=av.metrics.scorers["ccc"])
    return {"recursive joint attention, settings chosen inside": search}


def methods(which, data, groups, widths_s, seed):
    """Return the estimators by name of the usual methods, of the family, or of all."""
    chosen = usual_methods(groups, widths_s, seed) if which != "family" else {}
    if which != "usual":
        chosen |= family(groups, widths_s, seed)
    if which != "usual" and data == "studyforrest":
        chosen |= chosen_inside(groups, widths_s, seed)
    return chosen


def summarise(table):
    """Average over seeds: one line per method, with the spread of the pooled CCC between seeds.

    The interval is the mean of the seeds' bootstrap intervals over groups.
    """
    table = table.assign(method=[name.rpartition(" #")[0] or name for name in table.index])
    by_method = table.groupby("method", sort=False)
    summary = by_method[list(COLUMNS)].mean().rename(columns=COLUMNS)
    summary.insert(1, "sd of seeds", by_method["ccc"].std())
    summary.insert(2, "seeds", by_method.size())
    return summary


def to_markdown(summary):
    """Write the summary as a Markdown table."""
    lines = [
        "| method | CCC (sd of seeds) | 95 % interval | CCC per group | r | MAE | fit |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in summary.iterrows():
        spread = f" ± {row['sd of seeds']:.3f}" if row["seeds"] > 1 else ""
        lines.append(
            f"| {name} | {row['CCC']:.3f}{spread} | {row['low']:.2f} to {row['high']:.2f} "
            f"| {row['CCC per group']:.3f} | {row['r']:.3f} | {row['MAE']:.3f} | {row['fit (s)']:.2g} s |"
        )
    return "\n".join(lines) + "\n"


def plot(summary, title):
    """Draw pooled CCC and interval of each method."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 1.0 + 0.4 * len(summary)), layout="constrained")
    ax = figure.subplots()
    positions = range(len(summary))
    ax.hlines(positions, summary["low"], summary["high"], color="black", linewidth=1.5)
    ax.plot(summary["CCC"], positions, "D", color="black")
    for position, (centre, spread) in enumerate(zip(summary["CCC"], summary["sd of seeds"].fillna(0))):
        ax.plot([centre - spread, centre + spread], [position] * 2, color="0.6", linewidth=7, zorder=0)
    ax.set_yticks(positions, summary.index)
    ax.invert_yaxis()
    ax.set_xlabel("CCC out of fold (line: 95 % interval, bar: ± sd of seeds)")
    ax.set_title(title)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


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
    estimators = {}
    for seed in range(options.seeds):
        for name, estimator in methods(options.methods, options.data, groups, widths_s, seed).items():
            estimators[f"{name} #{seed}"] = estimator
    store = options.runs or home / "runs"
    comparison = runs.compare(estimators, X, y, groups=groups, cv=cv, folder=store, n_jobs=options.jobs)
    summary = summarise(comparison.table)
    record = {
        "data": options.data,
        "machine": machine(),
        "methods": json.loads(summary.to_json(orient="index")),
    }

    comparison.save(folder / "every-seed")
    write_in_one_step(folder / "summary.md", lambda path: path.write_text(to_markdown(summary)))
    write_in_one_step(folder / "summary.json", lambda path: path.write_text(json.dumps(record, indent=2)))
    figure = plot(summary, f"{options.data}: {y.columns[0]}")
    write_in_one_step(folder / "plot.png", lambda path: figure.savefig(path, dpi=150))
    with pd.option_context("display.width", 200):
        print(summary.round(3).to_string())
    print(f"\nTable, plot and all predictions are in {folder}/")


if __name__ == "__main__":
    main()
