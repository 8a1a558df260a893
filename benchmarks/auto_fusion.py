"""`AutoFusionRegressor` against each of its candidates, on rows that neither has seen.

``python -m benchmarks.auto_fusion`` prints a table and writes it to ``results/auto_fusion/``. Regret is by
how much the best single candidate of each set, chosen on its test rows, is better than the combination, below
0 where the combination is better than all of them; its interval is over test groups, paired. A best candidate
that is chosen on held-out training rows, as one has to, has a regret of its own, which is shown beside it.
Candidates are scored on the scale that the score wants, learnt from their held-out predictions, as the
combination is. ``--without-networks`` leaves the networks out, ``--curves`` adds training sets of several
sizes, ``--only`` takes some of the sets.

Candidates and rules were chosen on training clips of POM, segments 1 to 4 of the film, half of the people of
OMG-Empathy and one fold of EPiC, which are among the rows of the sets below, and other seeds of the synthetic
data. The test clips of POM were looked at four times.
"""

import time
from itertools import product
from unittest.mock import patch

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

import avfusion as av
from avfusion.fusion import _auto_fusion
from avfusion.fusion._auto import _candidates
from avfusion.fusion._auto._combination import last_line
from avfusion.fusion._auto._held_out import stacked
from avfusion.fusion._auto._report import LOWER_IS_BETTER, SCORES
from avfusion.fusion._auto._runs import fit_chosen
from avfusion.metrics._bootstrap import resampled_scores
from avfusion.sequences._groups import read_groups
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._targets import as_targets
from benchmarks import report

N_DRAWS = 2  # of each size
SIZES = (25, 50, 100, 200)
SEGMENTS = (2, 4)  # one has no group to hold out
HELD_OUT = "best held-out candidate"


def pom(data_home, sizes=()):
    """Yield name, training and test data: 16 ratings of film reviewers, on the official split."""
    X, y = av.datasets.fetch_pom(data_home)
    y, split = y.drop(columns="sentiment"), X["split"]
    test = X[split == "test"], y[split == "test"]
    rows = np.flatnonzero(split != "test")
    yield "POM", (X.iloc[rows], y.iloc[rows]), test, None
    for size, draw in product(sizes, range(N_DRAWS)):
        some = np.random.default_rng(1000 * draw + size).permutation(rows)[:size]
        yield f"POM, {size} clips", (X.iloc[some], y.iloc[some]), test, None


def studyforrest(data_home, sizes=()):
    """Yield arousal, then valence, each segment of the film left out in turn."""
    X, y = av.datasets.fetch_studyforrest(data_home)
    for target in ("arousal", "valence"):
        for train, test in LeaveOneGroupOut().split(X, groups=X["segment"]):
            yield f"film, {target}", *_parts(X, y[[target]], train, test), "segment"
        for n in sizes:
            train, test = np.arange(n), np.arange(4, len(X))
            yield f"film, {target}, {n} segments", *_parts(X, y[[target]], train, test), "segment"


def omg_empathy(data_home, sizes=()):
    """Yield a listener's valence at 1 Hz: new stories, then new people."""
    X, y = av.datasets.fetch_omg_empathy(data_home)
    X, y = (av.Align(rate_hz=1.0).fit_transform(part) for part in (X, y))
    for question in ("story", "subject"):
        for train, test in GroupKFold(5).split(X, groups=X[question]):
            yield f"empathy, new {question}", *_parts(X, y, train, test), question


def synthetic(data_home, sizes=()):
    """Yield forty recordings of 8 people, half of the label visible only in both streams together."""
    X, y = av.datasets.make_audiovisual_regression(random_state=1)
    for train, test in GroupKFold(4).split(X, groups=X["subject"]):
        yield "synthetic", *_parts(X, y, train, test), "subject"


def epic(data_home, sizes=()):
    """Yield the predictions of six systems of the EPiC 2023 challenge as streams: new people."""
    with np.load(f"{data_home}/epic2023/epic2023_2hz.npz") as arrays:
        meta, lengths, labels = (
            arrays[name] for name in ("meta_scenario_fold_subject_video", "lengths", "labels")
        )
        systems = {name: values for name, values in arrays.items() if values.shape == labels.shape}
    del systems["labels"]
    chosen = meta[:, 0] == 2
    streams = {n: av.SequenceArray.from_packed(v, lengths, rate_hz=2.0)[chosen] for n, v in systems.items()}
    X = pd.DataFrame(streams | {"subject": meta[chosen, 2]})
    y = av.SequenceArray.from_packed(labels, lengths, rate_hz=2.0)[chosen]
    columns = {n: y.with_frames(y.pack().frames[:, [k]]) for k, n in enumerate(("valence", "arousal"))}
    for train, test in GroupKFold(5).split(X, groups=X["subject"]):
        yield "EPiC, new people", *_parts(X, pd.DataFrame(columns), train, test), "subject"


SETS = {f.__name__: f for f in (pom, studyforrest, omg_empathy, synthetic, epic)}


def _parts(X, y, train, test):
    return (X.iloc[train], y.iloc[train]), (X.iloc[test], y.iloc[test])


def fit_all(data, tried, weights, *others):
    """Fit every candidate on all rows, not only those that have a weight."""
    return fit_chosen(data, tried, np.ones_like(weights), *others)


def predictions_of(train, test, groups, scoring, settings):
    """Return labels of the test rows, and predictions for them by name, each on the scale of the score."""
    held = {}

    def watched(held_out, scoring):
        held["out"] = held_out
        return combine(held_out, scoring)

    combine = _auto_fusion.combine
    model = av.AutoFusionRegressor(scoring=scoring, groups=groups, random_state=0, **settings)
    begin = time.perf_counter()
    with patch.object(_auto_fusion, "combine", watched), patch.object(_auto_fusion, "fit_chosen", fit_all):
        model.fit(*train)
    fit_s = time.perf_counter() - begin
    data = read_recordings(test[0], spec=model.spec_, caller="benchmark")
    given = {m[0]: _auto_fusion.predict_present(data, *m) for m in model.estimators_}
    order = [_candidates.Candidate(name, None, [], mean_of) for name, mean_of in model._order]
    each, _ = stacked(given, order, model.spec_.target_mean, data, model.target_form_)
    found = {"constant": each[0], "combination": as_targets(model.predict(test[0])).values}
    for (name, _), own, out in zip(model._order, each[1:], held["out"].predicted[1:]):
        scale, offset = last_line(held["out"], out, model.scoring_)
        found[name] = np.where(np.isnan(own), each[0], own * scale + offset)
    sign = -1 if model.scoring_ in LOWER_IS_BETTER else 1
    own_scores = sign * model.report_.loc[[name for name, _ in model._order], model.scoring_]
    found[HELD_OUT] = found[own_scores.idxmax()]
    return as_targets(test[1]).values, found, model, fit_s


def measured(name, splits, scoring, settings):
    """Return a row of figures of a set, over the test rows of all its splits."""
    labels, rows, found, seconds, model = [], [], [], 0.0, None
    for train, test, groups in splits:
        own, predicted, model, fit_s = predictions_of(train, test, groups, scoring, settings)
        labels.append(own)
        rows.append(groups_of(test, groups))
        found.append(predicted)
        seconds += fit_s
    labels, rows = np.concatenate(labels), np.concatenate(rows)
    common = [key for key in found[0] if all(key in one for one in found)]
    joined = {key: np.concatenate([one[key] for one in found]) for key in common}
    metric = SCORES[model.scoring_]
    sign = -1 if model.scoring_ in LOWER_IS_BETTER else 1
    scores = {key: metric(labels, own) for key, own in joined.items()}
    singles = {key: sign * score for key, score in scores.items() if key not in ("combination", HELD_OUT)}
    best = max(singles, key=singles.get)
    of_best, of_all = (
        resampled_scores(labels, joined[key], metric, groups=rows, n_resamples=1000, random_state=0)
        for key in (best, "combination")
    )
    low, high = sorted(sign * end for end in (of_best - of_all).interval(0.95))
    return {
        "set": name,
        "score": model.scoring_,
        "combination": scores["combination"],
        "r": SCORES["pcc"](labels, joined["combination"]),
        "best single": best,
        "its score": scores[best],
        "its r": SCORES["pcc"](labels, joined[best]),
        "regret": sign * (scores[best] - scores["combination"]),
        "low": low,
        "high": high,
        "regret of the best held out": sign * (scores[best] - scores[HELD_OUT]),
        "fits": len(found),
        "seconds a fit": seconds / len(found),
        "all": {key: round(float(score), 4) for key, score in scores.items()},
    }


def groups_of(test, groups):
    """Return the group of each label of the test rows: rows themselves where nothing is grouped."""
    rows = as_targets(test[1]).row_of_value
    if groups is None:
        return rows  # the same clips in every draw
    return read_groups(groups, test[0])[rows].astype(str)


def main(arguments=None):
    parser = report.options(__doc__, "results/auto_fusion")
    parser.add_argument("--data-home", help="folder of downloaded data sets")
    parser.add_argument("--only", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--without-networks", action="store_true")
    parser.add_argument("--curves", action="store_true", help="also training sets of several sizes")
    parser.add_argument("--scoring", default="auto")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--resume", help="folder where finished fits are kept")
    options = parser.parse_args(arguments)
    settings = {"n_jobs": options.jobs, "resume": options.resume}
    sizes = {"pom": SIZES, "studyforrest": SEGMENTS} if options.curves else {}
    networks = (lambda *args: []) if options.without_networks else _candidates._networks
    rows = []
    with patch.object(_candidates, "_networks", networks), report.one_thread_each():
        for key in options.only:
            by_name = {}
            for name, *split in SETS[key](options.data_home, sizes.get(key, ())):
                by_name.setdefault(name, []).append(split)
            for name, splits in by_name.items():
                rows.append(measured(name, splits, options.scoring, settings))
                print(
                    {k: v if isinstance(v, dict) else report.shown(v) for k, v in rows[-1].items()},
                    flush=True,
                )
    report.publish("auto_fusion", {"regret": rows}, options.output)


if __name__ == "__main__":
    main()
