import numpy as np
import pandas as pd
import pytest
import scipy.stats

from avfusion.metrics import (
    bootstrap_interval,
    ccc_score,
    mean_absolute_error,
    pcc_score,
    root_mean_squared_error,
    sagr_score,
)
from avfusion.metrics._bootstrap import (
    _FROM_SUMS,
    Resamples,
    _resample_rows,
    _sums,
    mean_resamples,
    resampled_metrics,
    resampled_row_means,
    resampled_scores,
)
from avfusion.metrics._drawing import Drawing, _group_codes
from avfusion.metrics._regression import paired_targets
from avfusion.metrics._statistics import rmse

METRICS = [ccc_score, pcc_score, sagr_score, root_mean_squared_error, mean_absolute_error]


def recordings(n_rows=12, width=2, offset=0.0, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 30, size=n_rows)
    true = [rng.normal(rng.normal(), 0.5, size=(n, width)) + offset for n in lengths]
    pred = [0.7 * t + 0.1 + rng.normal(0, 0.4, size=t.shape) for t in true]
    true[3][1:, 0] = np.nan
    return true, pred


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_sums_of_groups_give_the_metric_of_the_rows(metric, offset):
    """Any draw of groups, with repeats, scores the same from sums as from the frames themselves."""
    from avfusion.metrics._regression import paired_targets

    true, pred = recordings(offset=offset)
    groups = np.arange(12) % 5
    pair = paired_targets(true, pred)
    sums = _sums(*pair, _group_codes(groups, pair[0]))
    rng = np.random.default_rng(1)
    for _ in range(20):
        drawn = rng.integers(5, size=5)
        rows = np.concatenate([np.flatnonzero(groups == g) for g in drawn])
        total = sums[drawn].sum(axis=0)
        from_sums = _FROM_SUMS[metric](total / total[:, :1])
        expected = metric([true[r] for r in rows], [pred[r] for r in rows], multioutput="raw_values")
        np.testing.assert_allclose(from_sums, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_fast_and_slow_ways_agree(metric):
    true, pred = recordings(n_rows=30)
    fast = bootstrap_interval(true, pred, metric, n_resamples=4000, random_state=0)
    slow = bootstrap_interval(true, pred, lambda t, p: metric(t, p), n_resamples=1500, random_state=1)
    width = fast[1] - fast[0]
    np.testing.assert_allclose(fast, slow, atol=0.12 * width)


def test_against_scipy():
    rng = np.random.default_rng(0)
    true, pred = rng.normal(size=(2, 60)) + rng.normal(size=60)
    ours = bootstrap_interval(true, pred, pcc_score, n_resamples=20000, random_state=0)
    theirs = scipy.stats.bootstrap(
        (true, pred),
        lambda t, p: scipy.stats.pearsonr(t, p).statistic,
        paired=True,
        vectorized=False,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    np.testing.assert_allclose(ours, theirs, atol=0.015)


def test_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        error = rng.normal(size=40)
        low, high = bootstrap_interval(
            np.zeros(40), error, mean_absolute_error, level=0.9, n_resamples=400, random_state=seed
        )
        covered += low <= np.sqrt(2 / np.pi) <= high
    assert 0.83 <= covered / 200 <= 0.95


def test_groups_that_move_together_widen_the_interval():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 50)
    true = rng.normal(size=400)
    pred = true + rng.normal(size=8)[groups]
    over_rows = bootstrap_interval(true, pred, mean_absolute_error, random_state=0)
    over_groups = bootstrap_interval(true, pred, mean_absolute_error, groups=groups, random_state=0)
    assert np.ptp(over_groups) > 3 * np.ptp(over_rows)


@pytest.mark.parametrize("metric", [ccc_score, lambda t, p: ccc_score(t, p)], ids=["sums", "rows"])
def test_same_seed_same_interval_and_names_of_groups_do_not_matter(metric):
    true, pred = recordings()
    options = {"metric": metric, "n_resamples": 50, "random_state": 3}
    groups = np.arange(12) % 4
    first = bootstrap_interval(true, pred, groups=groups, **options)
    assert first == bootstrap_interval(true, pred, groups=[f"s{g}" for g in groups], **options)
    assert first != bootstrap_interval(true, pred, groups=groups, **{**options, "random_state": 4})


def test_rows_of_a_resample_are_whole_groups():
    codes = np.array([0, 1, 1, -1, 0, 2])
    seen = []

    def metric(true, pred):
        assert true == pred
        seen.append(sorted(true))
        return 0.0

    rows, drawing = list(range(6)), Drawing(np.arange(codes.max() + 1)[None])
    _resample_rows(metric, rows, rows, codes, drawing, 30, np.random.RandomState(0))
    members = {0: [0, 4], 1: [1, 2], 2: [5]}
    possible = {
        tuple(sorted(members[a] + members[b] + members[c])) for a in members for b in members for c in members
    }
    assert {tuple(s) for s in seen} <= possible
    assert len({tuple(s) for s in seen}) > 3


def test_groups_without_labels_do_not_count():
    true, pred = recordings()
    groups = list(np.arange(12) % 4)
    expected = bootstrap_interval(true, pred, groups=groups, random_state=0)
    more = bootstrap_interval(
        [*true, None, np.full((4, 2), np.nan)],
        [*pred, np.zeros((2, 2)), np.ones((4, 2))],
        groups=[*groups, 99, 98],
        random_state=0,
    )
    np.testing.assert_allclose(more, expected, rtol=1e-12)


def test_resamples_without_a_label_of_some_target_are_left_out_for_every_metric():
    rng = np.random.default_rng(0)
    y = pd.DataFrame(rng.normal(size=(12, 2)))
    y.iloc[3:, 1] = np.nan
    fast = bootstrap_interval(y, y + 1, root_mean_squared_error, random_state=0)
    slow = bootstrap_interval(y, y + 1, lambda *pair: root_mean_squared_error(*pair), random_state=0)
    assert fast == pytest.approx((1, 1))
    assert slow == pytest.approx((1, 1))


def test_constant_predictions_have_a_ccc_of_zero_in_every_resample():
    true, pred = recordings(width=1)
    assert bootstrap_interval(true, [np.full_like(p, 0.3) for p in pred], random_state=0) == (0.0, 0.0)


def test_one_group_has_no_interval():
    assert np.isnan(bootstrap_interval([1.0, 2.0], [1.0, 3.0], groups=["a", "a"])).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": [0, 1]}, "groups has 2 values for 12 rows"),
        ({"groups": pd.Series(["a"] * 11 + [None])}, "groups is missing for row 11"),
        ({"level": 95}, "level must lie between 0 and 1, not 95"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(*recordings(), **options)


@pytest.mark.parametrize("metric", METRICS)
def test_targets_are_resampled_as_by_themselves_whatever_groups_have_their_labels(metric):
    true, pred = recordings(n_rows=15, width=4)
    groups = np.arange(15) % 5
    for row in np.flatnonzero(groups == 2):
        true[row][:, 1] = np.nan  # one group without labels of a target
    for row in np.flatnonzero(groups != 4):
        true[row][:, 2] = np.nan  # one group with labels of it
    options = {"groups": groups, "n_resamples": 40, "random_state": 7}
    [together] = resampled_metrics(*paired_targets(true, pred), [metric], by_target=True, **options)
    assert [own.n_groups for own in together.targets] == [5, 4, 1, 5]
    for k, own in enumerate(together.targets):
        alone = [[cells[:, k] for cells in side] for side in (true, pred)]
        expected = resampled_scores(*alone, metric, **options)
        np.testing.assert_allclose(own.scores, expected.scores, rtol=1e-12)
        np.testing.assert_allclose(own.interval(0.9), expected.interval(0.9))
    mean = np.mean([own.scores for own in together.targets[::3]], axis=0)
    [two] = resampled_metrics(
        *paired_targets(*([cells[:, ::3] for cells in side] for side in (true, pred))), [metric], **options
    )
    np.testing.assert_allclose(two.scores, mean)


@pytest.mark.parametrize("weighted", [False, True])
def test_means_over_recordings_are_resampled_as_by_hand(weighted):
    true, pred = recordings(n_rows=12)
    groups, rng = np.arange(12) // 2, np.random.default_rng(1)
    for row in (0, 1, 4):  # the first group, and half of the third
        true[row][:, 1] = np.nan
    weights = [rng.uniform(0.1, 2.0, size=cells.shape) for cells in true]
    pair = paired_targets(true, pred, weights if weighted else None)
    [found] = resampled_row_means(*pair, [rmse], groups, n_resamples=30, random_state=3, by_target=True)
    for k, n in ((0, 6), (1, 5)):
        counts = np.random.RandomState(3).multinomial(n, np.full(n, 1 / n), size=30)
        expected = np.zeros((30, 2))
        for row in range(12):
            seen = ~np.isnan(true[row][:, k])
            if not seen.any():
                continue
            own = weights[row][seen, k] if weighted else np.ones(seen.sum())
            error = np.sqrt(np.average((true[row][seen, k] - pred[row][seen, k]) ** 2, weights=own))
            times = counts[:, groups[row] - (6 - n)] * own.mean()
            expected += times[:, None] * [error, 1.0]
        assert found.targets[k].n_groups == n
        np.testing.assert_allclose(found.targets[k].scores, expected[:, 0] / expected[:, 1], rtol=1e-10)


def test_means_and_differences_of_resamples_are_those_of_each_target():
    one, two = (
        Resamples(np.full(2, value), 3, (Resamples(np.full(2, 10 * value), 3),)) for value in (1.0, 3.0)
    )
    mean = mean_resamples([one, two])
    assert (mean.scores[0], mean.targets[0].scores[0]) == (2, 20)
    assert ((two - one).targets[0].scores[0], (two * -1).targets[0].scores[0]) == (20, -30)
