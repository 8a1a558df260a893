"""Recordings with clocks of their own: a film with intervals and events, conversations with gaps.

``python -m benchmarks.clocks --data studyforrest`` predicts arousal from sound and picture, as
``benchmarks.accuracy`` does, and again from speech, music and cuts too. ``--data omg_empathy --groups story``
predicts how listeners felt in stories that nobody was heard in before, ``--groups subject`` that of other
people. All settings are fixed here, or defaults. Tables, plots, predictions and settings go to
``results/clocks-<data>[-<groups>]/``; a call that was stopped goes on when it is repeated.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion.metrics import ccc_score
from benchmarks import accuracy
from benchmarks.report import to_markdown

FRAMES = ("audio", "video")
ANNOTATIONS = {"speech": ("share", "mean"), "music": ("share", "mean"), "cuts": ("count",)}
WIDTHS_S = {"networks": (1, 5, 21, 61), "classical": (1, 5, 15, 31, 61, 121)}


def on_one_clock(estimator, widths_s):
    """Return an estimator behind steps of a second: means and deviations of frames, and what was annotated.

    In a second without speech no words are said, and without music none is in the foreground: 0, not NaN.
    """
    aggregate = dict.fromkeys(FRAMES, ("mean", "std")) | ANNOTATIONS
    silence = SimpleImputer(strategy="constant", fill_value=0.0)
    return make_pipeline(
        av.Align(rate_hz=1.0, aggregate=aggregate),
        av.OnFrames({"speech": silence, "music": silence}),
        av.AddContext(widths_s=widths_s),
        av.OnFrames(StandardScaler()),
        estimator,
    )


def film_methods(seeds):
    """Return the estimators, each with its number of seeds, that see more and more of the film."""
    seen = {"": FRAMES, ", and annotations": (*FRAMES, *ANNOTATIONS)}
    methods = {}
    single = {f", and {name}": (*FRAMES, name) for name in ANNOTATIONS}
    for more, streams in (seen | single).items():
        ridge = av.FrameRegressor(Ridge(alpha=1000), modalities=list(streams))
        methods[f"ridge{more}"] = (ridge, "classical", 1)
        if more in seen:
            rescaled = av.RescaledRegressor(ridge, groups="segment")
            methods[f"ridge, rescaled{more}"] = (rescaled, "classical", 1)
            attention = av.RecursiveJointAttentionRegressor(modalities=list(streams))
            methods[f"recursive joint attention{more}"] = (attention, "networks", seeds)
    return {
        name: (on_one_clock(estimator, WIDTHS_S[kind]), n)
        for name, (estimator, kind, n) in sorted(methods.items())
    }


def studyforrest(options):
    """Arousal in eight segments of a film."""
    X, y = av.datasets.fetch_studyforrest(options.data_home, annotations=True)
    return film_methods(options.seeds), X, y[["arousal"]], "segment"


def conversation_methods(streams, groups, seeds):
    """Return the estimators, each with its number of seeds, behind moving means of the means of seconds."""

    def pipeline(estimator):
        context = av.AddContext(widths_s=WIDTHS_S["networks"])
        return make_pipeline(av.Align(rate_hz=1.0), context, av.OnFrames(StandardScaler()), estimator)

    ridge = av.FrameRegressor(make_pipeline(SimpleImputer(), Ridge(alpha=1000)))
    single = {f"{name} only": av.UnimodalRegressor(name) for name in streams}
    networks = {
        "early fusion": av.EarlyFusionRegressor(),
        "late fusion": av.LateFusionRegressor(),
        "recursive joint attention": av.RecursiveJointAttentionRegressor(),
    }
    once = {"ridge": ridge, "ridge, rescaled": av.RescaledRegressor(ridge, groups=groups)}
    return {name: (pipeline(estimator), 1) for name, estimator in once.items()} | {
        name: (pipeline(estimator), seeds) for name, estimator in (single | networks).items()
    }


def omg_empathy(options):
    """Valence of listeners, second by second: the mean of its 25 steps."""
    X, y = av.datasets.fetch_omg_empathy(options.data_home)
    y = av.Align(rate_hz=1.0).fit_transform(y)
    methods = conversation_methods(["text", "face", "voice"], options.groups, options.seeds)
    return methods, X, y, options.groups


def per_recording(comparison, story=None):
    """Return the mean over recordings of their CCC for each estimator, averaged over seeds.

    Parameters
    ----------
    comparison : Comparison
    story : Series, optional
        Of each row: then also the mean over the recordings of each.

    Returns
    -------
    list of dict
    """
    lines = []
    for name, runs in comparison.seed_predictions.items():
        column = comparison.y.columns[0]
        scores = np.mean(
            [
                [ccc_score([true], [guess]) for true, guess in zip(comparison.y[column], run[column])]
                for run in runs
            ],
            axis=0,
        )
        line = {"method": name, "CCC per recording": float(scores.mean())}
        if story is not None:
            by_story = pd.Series(scores).groupby(np.asarray(story)).mean()
            line |= {f"story {number}": float(score) for number, score in by_story.items()}
        lines.append(line)
    return lines


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=["studyforrest", "omg_empathy"], default="studyforrest")
    parser.add_argument("--groups", choices=["story", "subject"], default="story", help="of omg_empathy")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="only these (default: all)")
    parser.add_argument("--data-home", help="folder of downloaded data sets (default: ~/avfusion_data)")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds of the networks")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--output", type=Path, help="folder of the results")
    options = parser.parse_args(arguments)
    conversations = options.data == "omg_empathy"
    name = "-".join(["clocks", options.data, *([options.groups] if conversations else [])])
    methods, X, y, groups = (omg_empathy if conversations else studyforrest)(options)
    comparison = accuracy.compared(
        {name: methods[name] for name in options.methods or methods},
        X,
        y,
        groups=groups,
        cv=LeaveOneGroupOut(),
        runs=Path("results") / f"clocks-{options.data}" / "runs",
        jobs=options.jobs,
    )
    folder = options.output or Path("results") / name
    accuracy.save(comparison, folder)
    print(comparison.to_markdown())
    print(to_markdown(pd.DataFrame(per_recording(comparison, X["story"] if conversations else None))))
    print(f"Table, plot and all predictions are in {folder}/")


if __name__ == "__main__":
    main()
