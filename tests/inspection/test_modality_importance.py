import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.inspection import ModalityImportanceDisplay, modality_importance
from avfusion.inspection._corruption import with_streams_of_others, without_streams
from avfusion.metrics import bootstrap_interval, ccc_score, mean_absolute_error
from avfusion.sequences._groups import rows_of_other_groups


def recordings(lengths, n_speakers=4, per_clip=False, seed=0):
    """Labels are what `told` says; `noise` says nothing, `copy` what `told` says."""
    rng = np.random.default_rng(seed)
    told = [rng.normal(k % n_speakers - 1.5, 1, size=(n, 2)) for k, n in enumerate(lengths)]
    streams = {"told": told, "noise": [rng.normal(size=(n, 3)) for n in lengths], "copy": told}
    X = av.as_sequences(streams, rate_hz=5.0)
    X = X.assign(speaker=[f"s{k % n_speakers}" for k in range(len(lengths))])
    if per_clip:
        return X, pd.Series([row.mean() for row in told], name="rating")
    return X, pd.Series([row.sum(axis=1) for row in told], name="valence")


LENGTHS = np.random.default_rng(1).integers(10, 40, size=16)
USED = ["told", "noise"]


def test_an_informative_stream_is_worth_much_and_noise_nothing():
    X, y = recordings(LENGTHS)
    model = av.FrameRegressor(modalities=USED).fit(X[:8], y[:8])
    result = modality_importance(model, X[8:], y[8:], groups="speaker")
    table = result.to_frame()
    assert result.score > 0.99
    assert table.loc["told", "importance"] > 0.8
    assert table.loc["told", "low"] > 0.5
    assert abs(table.loc["noise", "importance"]) < 0.01
    np.testing.assert_allclose(table.loc["copy"], 0, atol=1e-12)  # the model does not read it
    assert (table["low"] <= table["importance"]).all()
    assert (table["importance"] <= table["high"]).all()
    np.testing.assert_array_equal(table["std"], result.importances.std(axis=1))


def test_streams_that_say_the_same_are_replaced_together():
    X, y = recordings(LENGTHS)
    model = av.FrameRegressor(Ridge(1.0)).fit(X[:8], y[:8])
    sets = ["told", "copy", ["told", "copy"]]
    alone, other, together = modality_importance(model, X[8:], y[8:], streams=sets).importances_mean
    assert together > alone + other
    assert together > 0.8


def test_repeats_are_scores_of_rows_that_have_the_stream_of_others():
    X, y = recordings(LENGTHS)
    model = av.FrameRegressor(modalities=USED).fit(X, y)
    result = modality_importance(model, X, y, scoring="mae", n_repeats=3, groups="speaker", random_state=7)
    groups = X["speaker"].to_numpy()
    whole = mean_absolute_error(y, model.predict(X))
    for k in range(3):
        others = with_streams_of_others(X, ["told"], groups, np.random.default_rng([7, k]))
        expected = mean_absolute_error(y, model.predict(others)) - whole  # an error grows
        assert result.importances[0, k] == pytest.approx(expected)
    assert result.importances[0].min() > 0.3


def test_rows_keep_length_and_time_and_get_steps_of_one_row_of_another_group():
    X, _ = recordings(LENGTHS)
    groups = X["speaker"].to_numpy()
    others = with_streams_of_others(X, ["told"], groups, np.random.default_rng(0))["told"]
    assert others.dtype == X["told"].dtype
    rows = {tuple(step): (row, t) for row, cell in enumerate(X["told"]) for t, step in enumerate(cell.frames)}
    for row, cell in enumerate(others):
        assert len(cell) == LENGTHS[row]
        owners, steps = zip(*(rows[tuple(step)] for step in cell.frames))
        assert len(set(owners)) == 1
        assert groups[owners[0]] != groups[row]
        n = LENGTHS[owners[0]]
        assert set(np.diff(steps) % n) == {1 % n}  # in order, round and round
        if n >= LENGTHS[row]:
            assert steps[-1] - steps[0] == LENGTHS[row] - 1  # without a jump


def test_missing_steps_come_along_and_absent_streams_stay_absent():
    streams = {"audio": [[[1.0], [np.nan]], None, [[3.0]], [[4.0], [5.0]]], "video": [[[0.0]] * 2] * 4}
    X = av.as_sequences(streams)
    for seed in range(10):
        others = with_streams_of_others(X, ["audio", "video"], np.arange(4), np.random.default_rng(seed))
        assert others["audio"].isna().tolist() == [False, True, False, False]
        if others["audio"][3].frames[0, 0] == 1.0:
            assert np.isnan(others["audio"][3].frames[1, 0])
            break
    else:
        pytest.fail("row 0 gave row 3 nothing in ten draws")


def test_the_interval_is_that_of_a_bootstrap_over_groups():
    X, y = recordings(LENGTHS)
    model = av.FrameRegressor(modalities=USED).fit(X, y)
    options = {"groups": X["speaker"].to_numpy(), "n_resamples": 200}
    result = modality_importance(model, X, y, n_repeats=1, random_state=3, **options)
    others = with_streams_of_others(X, ["told"], options["groups"], np.random.default_rng([3, 0]))
    whole, permuted = (list(model.predict(rows)) for rows in (X, others))
    pairs = pd.Series(list(zip(whole, permuted)))

    def loss(true, both):
        return ccc_score(true, [b[0] for b in both]) - ccc_score(true, [b[1] for b in both])

    found = []  # the same resamples of groups, drawn by multinomial counts in the metrics
    counts = np.random.RandomState(3).multinomial(4, np.full(4, 0.25), size=200)
    of_group = [np.flatnonzero(options["groups"] == f"s{k}") for k in range(4)]
    for count in counts:
        rows = np.concatenate([np.tile(own, n) for own, n in zip(of_group, count)]).astype(int)
        found.append(loss([y[row] for row in rows], [pairs[row] for row in rows]))
    from avfusion.metrics._bootstrap import Resamples

    np.testing.assert_allclose(result.intervals[0], Resamples(np.array(found), 4).interval(0.95), atol=1e-6)
    low, high = bootstrap_interval(y, model.predict(X), groups=options["groups"], random_state=3)
    assert high - low < result.intervals[0, 1] - result.intervals[0, 0]


@pytest.mark.works_with(
    "scikit-learn",
    "`modality_importance` gives what `permutation_importance` gives where rows are equally long",
)
@pytest.mark.parametrize("scoring", ["ccc", "neg_mean_squared_error"])
def test_scikit_learns_importance_where_it_works(scoring):
    X, y = recordings(np.full(60, 12), per_clip=True)
    X = X[["told", "noise"]]
    model = av.FrameRegressor().fit(X[:30], y[:30])
    scorer = av.metrics.scorers.get(scoring, scoring)
    ours = modality_importance(model, X[30:], y[30:], scoring=scoring, n_repeats=40, n_resamples=20)
    theirs = permutation_importance(model, X[30:], y[30:], scoring=scorer, n_repeats=40, random_state=0)
    error = np.hypot(ours.importances_std, theirs.importances_std) / np.sqrt(40)
    # theirs leaves a row its own stream in one of 30 cases
    allowed = 4 * error + 0.05 * np.abs(ours.importances_mean)
    assert (np.abs(ours.importances_mean - theirs.importances_mean) < allowed).all()
    rows = X[30:]
    givers = rows_of_other_groups(np.arange(30), np.random.default_rng([0, 0]), np.ones(30, dtype=bool))
    by_hand = rows.assign(told=rows["told"].array[givers])
    score = scorer if callable(scorer) else None
    if score is not None:  # of equal length: the very rows
        expected = score(model, rows, y[30:]) - score(model, by_hand, y[30:])
        assert ours.importances[0, 0] == pytest.approx(expected)


def test_pipelines_from_raw_rates_searches_and_tables_of_functionals():
    X, y = av.datasets.make_audiovisual_regression(
        10, audio_rate_hz=5, video_rate_hz=2, label_rate_hz=1, duration_s=(20, 40), random_state=0
    )
    framewise = make_pipeline(av.Align(rate_hz=1.0), av.FrameRegressor())
    search = GridSearchCV(framewise, {"frameregressor__regressor": [Ridge(1), Ridge(10)]}, cv=2)
    for model in (framewise, search):
        result = modality_importance(model.fit(X[:6], y[:6]), X[6:], y[6:], n_repeats=2)
        assert result.score == pytest.approx(ccc_score(y[6:], model.predict(X[6:])))
        rows = X[6:].assign(video=X["video"].array[[7, 8, 9, 6]])  # of other lengths: Align cuts them all
        assert model.predict(rows).array.lengths.tolist() != y[6:].array.lengths.tolist()
        assert result.importances_mean[1] > 0.05
    clips = y.map(lambda row: row.frames.mean())
    table = make_pipeline(av.Functionals(), Ridge()).fit(X, clips)
    result = modality_importance(table, X, clips, scoring="r2", n_repeats=2, n_resamples=50, groups="subject")
    assert result.score == pytest.approx(table.score(X, clips))
    assert result.importances_mean.max() > 0.1


def test_absent_streams():
    X, y = recordings(LENGTHS)
    trees = HistGradientBoostingRegressor(max_iter=20, random_state=0)
    model = av.FrameRegressor(trees, modalities=USED).fit(X, y)
    result = modality_importance(model, X, y, method="absent")
    assert result.importances.shape == (3, 1)
    gone = X.assign(told=X["told"].mask(np.ones(16, dtype=bool)))
    assert result.importances[0, 0] == pytest.approx(
        ccc_score(y, model.predict(X)) - ccc_score(y, model.predict(gone))
    )
    with pytest.raises(ValueError, match=r"No row has another stream beside 'told'.*method=\"permute\""):
        without_streams(X[["told"]], ["told"])


def test_draws_depend_on_the_seed_alone():
    X, y = recordings(LENGTHS)
    model = av.FrameRegressor().fit(X, y)
    every = modality_importance(model, X, y, n_repeats=2, random_state=1).to_frame()
    one = modality_importance(
        model, X, y, streams=["noise"], n_repeats=2, random_state=1, n_jobs=2
    ).to_frame()
    pd.testing.assert_frame_equal(one, every.loc[["noise"]])
    other = modality_importance(model, X, y, n_repeats=2, random_state=2).to_frame()
    assert (other["importance"] != every["importance"])["told"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "drop"}, "method='drop' must be"),
        ({"n_repeats": 0}, "n_repeats=0 must be an integer"),
        ({"level": 1.0}, "level must lie between 0 and 1"),
        ({"streams": ["face"]}, "X has no modality 'face'"),
        ({"streams": "told"}, "streams='told' must be a list"),
        ({"streams": ["told", ["told"]]}, "names a stream, or a set of streams, twice"),
        ({"scoring": ["ccc", "mae"]}, "stands for 2 scores.*Call modality_importance once for each"),
        ({"groups": "sex"}, "groups='sex' is no column of X"),
        ({"groups": np.zeros(16)}, r"Rows of 1 group\(s\) have 'told'"),
    ],
)
def test_wrong_arguments(arguments, message):
    X, y = recordings(LENGTHS)
    with pytest.raises(ValueError, match=message):
        modality_importance(av.FrameRegressor().fit(X, y), X, y, **arguments)


def test_a_table_has_no_streams():
    table = np.random.default_rng(0).normal(size=(9, 2))
    model = av.FrameRegressor().fit(table, table[:, 0])
    with pytest.raises(ValueError, match="scikit-learn's permutation_importance"):
        modality_importance(model, table, table[:, 0])


def test_the_plot_shows_the_table():
    display = ModalityImportanceDisplay(
        streams=["audio", "face + pose"],
        importances=np.array([[0.3, 0.5], [0.1, -0.1]]),
        intervals=np.array([[0.2, 0.6], [-0.1, 0.1]]),
        score=0.7,
        score_name="ccc",
        method="permute",
        level=0.9,
    )
    assert display.plot(ax=Figure().subplots()) is display
    ax = display.ax_
    assert [text.get_text() for text in ax.get_yticklabels()] == ["audio", "face + pose"]
    repeats, means = ax.lines[:2]
    assert repeats.get_xdata().tolist() == [0.3, 0.5, 0.1, -0.1]
    assert means.get_xdata().tolist() == [0.4, 0.0]
    assert [s.tolist() for s in ax.collections[0].get_segments()] == [
        [[0.2, 0.0], [0.6, 0.0]],
        [[-0.1, 1.0], [0.1, 1.0]],
    ]
    assert "0.70" in ax.get_xlabel()
    assert "90 %" in ax.get_title(loc="right")
