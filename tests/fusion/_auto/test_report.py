"""Scores of candidates with intervals, and whether fusing is worth it."""

import numpy as np
import pytest

from avfusion.fusion._auto._candidates import Candidate
from avfusion.fusion._auto._combination import HeldOut, combine
from avfusion.fusion._auto._report import COMBINATION, FusionGain, fusion_gain, report, score_of
from avfusion.fusion._auto._runs import Tried
from avfusion.metrics import bootstrap_interval, ccc_score, mean_absolute_error


def held_out(n=200, noises=(1.0, 1.0), seed=0, n_groups=40):
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n, 1))
    seen = [labels + noise * rng.normal(size=labels.shape) for noise in noises]
    groups = np.arange(n) % n_groups
    return HeldOut(np.stack([np.zeros_like(labels), *seen]), labels, None, groups, groups % 5)


def tried(*streams):
    return [Tried(Candidate(f"c{k}", None, list(own)), [0], fit_s=2.0) for k, own in enumerate(streams)]


def test_scores_are_those_of_the_metrics_and_skip_what_was_not_predicted():
    known = held_out()
    predictions = known.predicted[1].copy()
    predictions[::3] = np.nan
    kept = ~np.isnan(predictions[:, 0])
    for scoring, metric in (("ccc", ccc_score), ("mae", mean_absolute_error)):
        score, resamples = score_of(known, predictions, scoring)
        pair = known.labels[kept], predictions[kept]
        assert score == pytest.approx(metric(*pair))
        options = {"groups": known.groups[kept], "n_resamples": 1000, "random_state": 0}
        expected = bootstrap_interval(*pair, metric, **options)
        assert resamples.interval(0.95) == pytest.approx(expected)


def test_no_score_where_a_target_was_not_predicted():
    score, resamples = score_of(held_out(), np.full((200, 1), np.nan), "ccc")
    assert np.isnan(score)
    assert resamples is None


def test_the_table_names_all_and_ends_with_the_combination():
    known = held_out()
    everything = [
        *tried(["audio"], ["video"]),
        Tried(Candidate("gone", None, ["audio"]), None, note="failed"),
    ]
    combination, nested, _ = combine(known, "ccc")
    table, gain = report(everything, known, combination, nested, "ccc")
    assert table.index.tolist() == ["constant", "c0", "c1", "gone", COMBINATION]
    assert table["weight"].iloc[:-1].sum() == pytest.approx(1)
    assert np.isnan(table.loc["gone", "ccc"])
    assert table.loc["gone", "note"] == "failed"
    assert (table["low"] <= table["ccc"])[["c0", "c1", COMBINATION]].all()
    assert table.loc[COMBINATION, "ccc"] == pytest.approx(ccc_score(known.labels, nested))
    assert gain.best_single in ("c0", "c1")
    assert gain.gain == pytest.approx(table.loc[COMBINATION, "ccc"] - table["ccc"][["c0", "c1"]].max())
    assert gain.worth_it  # two noisy views of the same are better than one
    assert "Fusing is worth it" in str(gain)


def test_errors_gain_by_becoming_smaller():
    known = held_out()
    lined = {"constant": known.predicted[0], "a": known.predicted[1], "v": known.predicted[1] * 3}
    candidates = [Candidate("a", None, ["audio"]), Candidate("v", None, ["video"])]
    better = fusion_gain(candidates, known, lined, known.labels, "mae")
    assert better.best_single == "a"
    assert better.gain == pytest.approx(mean_absolute_error(known.labels, known.predicted[1]))
    assert 0 < better.low < better.gain < better.high
    worse = fusion_gain(candidates, known, lined, known.predicted[1] * 3, "mae")
    assert worse.high < 0
    assert "makes it worse" in str(worse)


def test_one_stream_has_no_gain_and_one_group_no_interval():
    known = held_out(n_groups=1)
    lined = {"constant": known.predicted[0], "a": known.predicted[1]}
    assert fusion_gain([Candidate("a", None, ["audio"])], known, lined, known.labels, "ccc") is None
    candidates = [Candidate("a", None, ["audio"]), Candidate("b", None, ["audio", "video"])]
    gain = fusion_gain(candidates, known, lined, known.labels, "ccc")
    assert np.isnan(gain.low)
    assert not gain.worth_it
    assert "cannot be told of one group" in str(gain)


def test_what_is_not_shown_is_said_so():
    assert "is not shown: ccc worse by 0.010" in str(FusionGain("a", "ccc", -0.01, -0.05, 0.03))
