import json

import numpy as np
import pandas as pd
import pytest
import sklearn
from matplotlib.figure import Figure
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from avfusion import EarlyFusionRegressor, FrameRegressor, metrics
from avfusion.model_selection import Comparison, compare, paired_differences
from avfusion.sequences import _targets
from avfusion.sequences._array import SequenceArray
from avfusion.sequences._targets import as_targets


class FrameRidge(RegressorMixin, BaseEstimator):
    """Ridge on the frames of the column "audio"."""

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        targets = as_targets(y)
        self.form_ = targets.form
        seen = ~np.isnan(targets.values).any(axis=1)
        frames = X["audio"].array[np.flatnonzero(targets.lengths >= 0)].pack().frames
        self.ridge_ = Ridge(self.alpha).fit(frames[seen], targets.values[seen])
        return self

    def predict(self, X):
        packed = X["audio"].array.pack()
        return self.form_.wrap(self.ridge_.predict(packed.frames), packed.lengths, X.index)


class Refuses(FrameRidge):
    """Fails when it must predict subject 2."""

    def predict(self, X):
        if (X["subject"] == 2).any():
            raise ValueError("no subject 2, please")
        return super().predict(X)


class PredictsNaN(FrameRidge):
    def predict(self, X):
        packed = X["audio"].array.pack()
        return self.form_.wrap(np.full((len(packed.frames), 1), np.nan), packed.lengths, X.index)


def column(cells, width=1):
    return SequenceArray.from_sequences(cells, dtype="float64", width=width, rate_hz=5.0)


def recordings(n_rows=12, n_subjects=4, n_targets=1):
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 60, size=n_rows)
    frames = [rng.normal(size=(n, 3)) for n in lengths]
    labels = [f[:, :n_targets] - f[:, 2:] + rng.normal(size=(len(f), n_targets)) for f in frames]
    index = [f"clip{i}" for i in range(n_rows)]
    X = pd.DataFrame({"audio": column(frames, 3), "subject": np.arange(n_rows) % n_subjects}, index=index)
    return X, labels


FORMS = {
    "DataFrame": lambda X, labels: pd.DataFrame(
        {f"t{k}": column([c[:, [k]] for c in labels]) for k in range(labels[0].shape[1])}, index=X.index
    ),
    "Series": lambda X, labels: pd.Series(column(labels, labels[0].shape[1]), index=X.index, name="arousal"),
    "list of (T,)": lambda X, labels: [c[:, 0] for c in labels],
    "tuple of (T, K)": lambda X, labels: tuple(labels),
}
MODELS = {"weak": FrameRidge(1e4), "strong": make_pipeline(FunctionTransformer(), FrameRidge())}


@pytest.fixture(scope="module")
def result():
    X, labels = recordings()
    y = pd.DataFrame({"t0": column([*labels[:3], None, *labels[4:]])}, index=X.index)
    return compare(MODELS, X, y, groups="subject", verbose=False)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_same_numbers_as_scikit_learn(form, n_jobs):
    X, labels = recordings()
    y = FORMS[form](X, labels)
    cv = LeaveOneGroupOut()
    ours = compare(MODELS, X, y, groups="subject", scoring=metrics.scorers, n_jobs=n_jobs, verbose=False)
    assert list(ours.table.index) == list(MODELS)
    for name, model in MODELS.items():
        theirs = cross_validate(model, X, y, groups=X["subject"], cv=cv, scoring=metrics.scorers)
        own = ours.folds[ours.folds["estimator"] == name]
        predicted = cross_val_predict(model, X, y, groups=X["subject"], cv=cv)
        np.testing.assert_array_equal(as_targets(ours.predictions[name]).values, as_targets(predicted).values)
        for score, scorer in metrics.scorers.items():
            np.testing.assert_allclose(own[score], theirs[f"test_{score}"], rtol=1e-12)
            line = ours.table.loc[name]
            assert line[f"{score}_fold_mean"] == pytest.approx(theirs[f"test_{score}"].mean())
            assert line[f"{score}_fold_std"] == pytest.approx(theirs[f"test_{score}"].std())
            assert line[score] == pytest.approx(scorer._sign * scorer._score_func(y, predicted))
        low, high = metrics.bootstrap_interval(y, predicted, groups=X["subject"], random_state=0)
        assert (line["ccc_low"], line["ccc_high"]) == pytest.approx((low, high))


@pytest.mark.parametrize("y_columns", [None, 2])
def test_clips_and_plain_arrays(y_columns):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = X[:, 0] + rng.normal(size=60)
    y = y if y_columns is None else np.stack([y, X[:, 1]], axis=1)
    models = {"mean": DummyRegressor(), "ridge": make_pipeline(StandardScaler(), Ridge())}
    ours = compare(models, X, y, scoring=["ccc", "r2"], verbose=False)
    for name, model in models.items():
        np.testing.assert_allclose(ours.predictions[name], cross_val_predict(model, X, y, cv=KFold(5)))
        theirs = cross_validate(model, X, y, cv=KFold(5), scoring="r2")["test_score"]
        np.testing.assert_allclose(ours.folds.query("estimator == @name")["r2"], theirs)
    assert ours.table.loc["mean", "ccc"] <= 0 < ours.table.loc["ridge", "ccc_low"]
    assert ours.group_of_row is None
    assert len(ours.groups) == 0
    assert "frame" not in ours.prediction_table()


def test_pandas_predictions_keep_index_columns_and_dtype(result):
    for predicted in result.predictions.values():
        pd.testing.assert_index_equal(predicted.index, result.y.index)
        pd.testing.assert_series_equal(predicted.dtypes, result.y.dtypes)


def test_per_group_scores_and_held_out_groups(result):
    line = result.groups.query("estimator == 'strong' and group == 2").iloc[0]
    rows = np.flatnonzero(result.group_of_row == 2)
    expected = metrics.ccc_score(result.y.iloc[rows], result.predictions["strong"].iloc[rows])
    assert line["ccc"] == pytest.approx(expected)
    assert result.table.loc["strong", "ccc_group_mean"] == pytest.approx(
        result.groups.query("estimator == 'strong'")["ccc"].mean()
    )
    assert result.folds["held_out"].tolist() == ["0", "1", "2", "3"] * 2
    np.testing.assert_array_equal(result.fold_of_row, result.group_of_row)


def test_several_targets_are_averaged_and_listed():
    X, labels = recordings(n_targets=2)
    y = FORMS["DataFrame"](X, labels)
    ours = compare({"ridge": FrameRidge()}, X, y, groups="subject", scoring="ccc", verbose=False)
    per_target = ours.targets.set_index("target")["ccc"]
    for name in ("t0", "t1"):
        assert per_target[name] == pytest.approx(metrics.ccc_score(y[name], ours.predictions["ridge"][name]))
    assert ours.table.loc["ridge", "ccc"] == pytest.approx(per_target.mean())


def test_rows_that_are_never_tested_take_no_part():
    X, labels = recordings()
    cv = PredefinedSplit([-1] * 6 + [0] * 6)
    ours = compare({"ridge": FrameRidge()}, X, labels, cv=cv, scoring="ccc", verbose=False)
    expected = FrameRidge().fit(X[:6], labels[:6]).predict(X[6:])
    assert ours.table.loc["ridge", "ccc"] == pytest.approx(metrics.ccc_score(labels[6:], expected))
    assert all(np.isnan(cell).all() for cell in ours.predictions["ridge"][:6])
    assert ours.fold_of_row.tolist() == [-1] * 6 + [0] * 6
    assert set(ours.prediction_table()["row"]) == set(range(6, 12))


def inner_search():
    return GridSearchCV(FrameRidge(), {"alpha": [1.0, 1e5]}, cv=GroupKFold(3), scoring=metrics.scorers["ccc"])


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: make_pipeline(FunctionTransformer(), s)])
@pytest.mark.parametrize("routing", [False, True])
def test_searches_get_the_groups_of_their_training_rows(wrap, routing):
    X, labels = recordings()
    y = FORMS["DataFrame"](X, labels)
    with sklearn.config_context(enable_metadata_routing=routing):
        ours = compare({"search": wrap(inner_search())}, X, y, groups="subject", verbose=False)
    train = np.flatnonzero(X["subject"] != 0)
    search = inner_search().fit(X.iloc[train], y.iloc[train], groups=X["subject"].iloc[train])
    test = np.flatnonzero(X["subject"] == 0)
    expected = search.predict(X.iloc[test])
    np.testing.assert_array_equal(
        as_targets(ours.predictions["search"].iloc[test]).values, as_targets(expected).values
    )


def test_searches_without_group_folds_are_left_alone():
    X, labels = recordings()
    search = inner_search().set_params(cv=3)
    ours = compare({"search": search}, X, labels, groups="subject", verbose=False)
    assert np.isfinite(ours.table.loc["search", "ccc"])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_failure_names_the_estimator_and_the_fold(n_jobs):
    X, labels = recordings()
    message = r"broken, fold 3 of 4 \(held out: 2\) failed: ValueError: no subject 2, please"
    with pytest.raises(RuntimeError, match=message) as caught:
        compare(
            {"fine": FrameRidge(), "broken": Refuses()},
            X,
            labels,
            groups="subject",
            n_jobs=n_jobs,
            error_score="raise",
            verbose=False,
        )
    assert isinstance(caught.value.__cause__, ValueError)
    assert "in predict" in caught.value.__notes__[0]  # the traceback, also of another process


@pytest.mark.parametrize("form", ["DataFrame", "list of (T,)"])
def test_a_failure_leaves_the_other_fits_as_they_are(form, tmp_path):
    X, labels = recordings()
    y = FORMS[form](X, labels)
    alone = compare({"fine": FrameRidge()}, X, y, groups="subject", verbose=False)
    with pytest.warns(
        FitFailedWarning, match=r"broken, fold 3 of 4 .*no subject 2, please. Its scores are NaN"
    ):
        both = compare({"fine": FrameRidge(), "broken": Refuses()}, X, y, groups="subject", verbose=False)
    times = ["fit_s", "predict_s"]
    pd.testing.assert_series_equal(
        both.table.loc["fine"].drop(["n_failed", *times]), alone.table.loc["fine"].drop(times)
    )
    assert both.table["n_failed"].to_dict() == {"fine": 0, "broken": 1}
    assert "n_failed" not in alone.table
    assert both.table.loc["broken", ["ccc", "ccc_low", "mae_high"]].isna().all()
    folds = both.folds.query("estimator == 'broken'").set_index("held_out")["ccc"]
    assert folds.isna().to_dict() == {"0": False, "1": False, "2": True, "3": False}
    rows = np.flatnonzero(X["subject"] == 2)
    lost = as_targets(both.predictions["broken"])
    assert np.isnan(lost.values[np.isin(lost.row_of_value, rows)]).all()
    assert not np.isnan(lost.values[~np.isin(lost.row_of_value, rows)]).any()
    assert "failed" in both.to_markdown()
    assert "fits that failed" in repr(both)
    both.plot(ax=Figure().subplots())
    both.save(tmp_path)
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert table.groupby("group")["prediction: broken"].apply(lambda c: c.isna().all()).to_dict() == {
        "0": False, "1": False, "2": True, "3": False,
    }  # fmt: skip


def test_error_score_is_nan_or_raise():
    X, labels = recordings()
    with pytest.raises(ValueError, match="error_score must be 'raise' or nan, not 0"):
        compare({"fine": FrameRidge()}, X, labels, error_score=0, verbose=False)


def test_a_single_split_has_no_spread():
    X, labels = recordings()
    single = compare(
        {"fine": FrameRidge()}, X, labels, cv=[(np.arange(4), np.arange(4, len(X)))], verbose=False
    )
    assert "1 fold;" in repr(single)
    assert "±" not in repr(single)


def test_predictions_that_do_not_match_the_labels_are_a_failure():
    X, labels = recordings()
    with pytest.raises(
        RuntimeError, match=r"nan, fold 1 of 5 .*failed: ValueError: y_pred is NaN where there is a label"
    ):
        compare({"nan": PredictsNaN()}, X, labels, verbose=False)


def test_estimators_are_not_fitted_and_the_data_not_changed():
    X, labels = recordings()
    y = FORMS["DataFrame"](X, labels)
    before = X.copy(), y.copy()
    model = FrameRidge()
    compare({"model": model}, X, y, verbose=False)
    assert vars(model) == {"alpha": 1.0}
    pd.testing.assert_frame_equal(X, before[0])
    pd.testing.assert_frame_equal(y, before[1])


def test_same_seed_same_intervals():
    X, labels = recordings()
    tables = [
        compare({"m": FrameRidge()}, X, labels, random_state=seed, verbose=False).table.drop(
            columns=["fit_s", "predict_s"]
        )
        for seed in (0, 0, 1)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert not tables[0].equals(tables[2])


def test_a_mapping_of_modalities_is_taken():
    X, labels = recordings()
    table = compare(
        {"m": FrameRidge()}, {"audio": list(X["audio"])}, labels, scoring="ccc", verbose=False
    ).table
    expected = compare({"m": FrameRidge()}, X, labels, scoring="ccc", verbose=False).table
    assert table.loc["m", "ccc"] == pytest.approx(expected.loc["m", "ccc"], abs=1e-5)


@pytest.mark.parametrize("verbose", [True, False])
def test_progress_names_estimator_and_fold(verbose, capsys):
    X, labels = recordings()
    compare({"model": FrameRidge()}, X, labels, verbose=verbose)
    shown = capsys.readouterr().err
    assert ("model, fold 5 of 5" in shown and "5/5" in shown) == verbose
    assert verbose or not shown


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"estimators": [FrameRidge()]}, TypeError, "estimators must be a dict of name to estimator"),
        ({"estimators": {}}, TypeError, "estimators must be a dict of name to estimator, with at least one"),
        ({"estimators": {"a": FrameRidge}}, TypeError, r"estimators\['a'\] .* an instance, not the class"),
        ({"estimators": {"a": StandardScaler()}}, TypeError, r"estimators\['a'\] .* one with predict\(\)"),
        ({"y": [np.zeros(3)] * 5}, ValueError, "inconsistent numbers of samples"),
        ({"y": [np.full(3, np.nan)] * 12}, ValueError, "y has no label at all"),
        ({"y": None}, ValueError, "the target y is None"),
        ({"groups": "speaker"}, ValueError, "groups='speaker' is no column of X"),
        ({"scoring": "cc"}, ValueError, "'cc' is not known"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    X, labels = recordings()
    arguments = {"estimators": {"a": FrameRidge()}, "X": X, "y": labels, "verbose": False} | change
    with pytest.raises(error, match=message):
        compare(**arguments)


def test_copies_in_two_groups_are_refused_before_any_fit():
    X, labels = recordings()
    X = pd.concat([X, X.iloc[:1].assign(subject=3)])
    with pytest.raises(ValueError, match=r"row 0 \(index 'clip0'\) in group 0 is also in row 12"):
        compare({"a": Refuses()}, X, [*labels, labels[0]], groups="subject", verbose=False)


def test_nothing_to_score_is_refused_before_any_fit():
    X, labels = recordings()
    cv = PredefinedSplit([-1] * 11 + [0])
    with pytest.raises(ValueError, match="rows that cv tests have no label"):
        compare({"a": Refuses()}, X, [*labels[:-1], None], cv=cv, verbose=False)


def test_a_score_that_the_labels_cannot_have_is_refused_before_any_fit():
    X, labels = recordings()
    with pytest.raises(ValueError, match=r"The score 'r2' cannot take these labels \(ValueError: "):
        compare({"a": Refuses()}, X, labels, scoring=["ccc", "r2"], verbose=False)


def test_settings_tell_how_it_was_done(result):
    assert isinstance(result, Comparison)
    settings = json.loads(json.dumps(result.settings, allow_nan=False))
    assert settings["estimators"]["weak"]["parameters"] == {"alpha": 1e4}
    assert settings["estimators"]["strong"]["parameters"]["frameridge__alpha"] == 1.0
    assert settings["versions"]["scikit-learn"] == sklearn.__version__
    assert (settings["n_folds"], settings["n_groups"], settings["random_state"]) == (4, 4, 0)


def test_nan_answers_of_several_targets_fail_their_fold_though_one_target_has_no_label_there():
    X, y = np.zeros((9, 1)), np.arange(18.0).reshape(9, 2)
    y[:3, 1] = np.nan  # the first fold has no label of this target

    class Constant(RegressorMixin, BaseEstimator):
        def __init__(self, answer=0.0):
            self.answer = answer

        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.tile([self.answer, 1.0], (len(X), 1))

    models = {"constant": Constant(), "silent": Constant(np.nan)}
    with pytest.warns(FitFailedWarning, match=r"silent, fold 1 of 3 .* failed: ValueError: Some predictions"):
        result = compare(models, X, y, cv=3, scoring="mae", verbose=False)
    assert np.isfinite(result.table.loc["constant", "mae"])
    assert np.isnan(result.table.loc["silent", "mae"])


def test_labels_are_read_once_for_each_prediction_and_a_few_times_more(monkeypatch):
    X, labels = recordings(n_rows=24, n_subjects=12, n_targets=2)
    y = FORMS["DataFrame"](X, labels)
    reads = []
    check = _targets._checked
    monkeypatch.setattr(_targets, "_checked", lambda *given: reads.append(1) or check(*given))
    models = {"a": FrameRidge(), "b": FrameRidge(10.0)}
    compare(models, X, y, groups="subject", cv=3, verbose=False)
    n_fits = 6  # FrameRidge reads its labels once
    assert len(reads) <= 2 * n_fits + len(models) + 3


WEIGHTS = np.array([0, 1, 3, 2] * 6, dtype=float)


@pytest.mark.parametrize("form", ["column", "Series", "frames"])
def test_weights_count_in_fits_and_in_scores(form):
    X, labels = recordings(n_rows=24, n_subjects=6)
    y, X = FORMS["Series"](X, labels), X.assign(trust=WEIGHTS)
    frames = [np.full(len(label), weight) for label, weight in zip(labels, WEIGHTS)]
    weights = {"column": "trust", "Series": pd.Series(WEIGHTS, index=X.index), "frames": frames}[form]
    models = {"ridge": FrameRegressor(Ridge())}
    options = {"groups": "subject", "cv": 3, "verbose": False, "error_score": "raise"}
    found = compare(models, X[["audio", "subject", "trust"]], y, sample_weight=weights, **options)
    assert "labels are weighted" in " ".join(repr(found).split())
    predicted = [None] * 24
    for fold in range(3):
        test = found.fold_of_row == fold
        own = FrameRegressor(Ridge()).fit(X[["audio"]][~test], y[~test], sample_weight=WEIGHTS[~test])
        rows = np.flatnonzero(test)
        for row, cell in zip(rows, own.predict(X[["audio"]][test])):
            predicted[row] = np.asarray(cell)[:, 0]
        expected = metrics.ccc_score([labels[r] for r in rows], [predicted[r] for r in rows],
                                     sample_weight=WEIGHTS[rows])  # fmt: skip
        assert found.folds.loc[fold, "ccc"] == pytest.approx(expected, abs=1e-5)
    line = found.table.loc["ridge"]
    for name, metric in (("ccc", metrics.ccc_score), ("rmse", metrics.root_mean_squared_error)):
        assert line[name] == pytest.approx(metric(labels, predicted, sample_weight=WEIGHTS), abs=1e-5)
        low, high = metrics.bootstrap_interval(
            labels, predicted, metric, groups=X["subject"], sample_weight=WEIGHTS, random_state=0
        )
        assert (line[f"{name}_low"], line[f"{name}_high"]) == pytest.approx((low, high), abs=1e-4)
    for group, own in found.groups.set_index("group").iterrows():
        rows = np.flatnonzero(X["subject"] == group)
        expected = metrics.ccc_score([labels[r] for r in rows], [predicted[r] for r in rows],
                                     sample_weight=WEIGHTS[rows])  # fmt: skip
        assert own["ccc"] == pytest.approx(expected, abs=1e-5)
    table = found.prediction_table()
    assert table["weight"].tolist() == WEIGHTS[table["row"]].tolist()


def test_fits_with_other_weights_are_not_found_again(tmp_path):
    X = np.random.default_rng(0).normal(size=(24, 2))
    options = {"cv": 3, "verbose": False, "scoring": "mae", "resume": tmp_path}
    tables = [
        compare({"ridge": Ridge()}, X, X[:, 0] + X[:, 1] ** 2, sample_weight=weights, **options).table["mae"]
        for weights in (None, WEIGHTS, WEIGHTS[::-1], WEIGHTS)
    ]
    assert len(list(tmp_path.iterdir())) == 9
    assert tables[1].equals(tables[3])
    assert len({table.iloc[0] for table in tables}) == 3


def test_scorers_of_scikit_learn_and_of_ones_own_get_the_weights():
    X = np.random.default_rng(0).normal(size=(24, 2))
    y = X[:, 0] + X[:, 1] ** 2
    scoring = {"r2": "r2", "mine": lambda estimator, X, y, sample_weight=None: float(np.sum(sample_weight))}
    options = {"cv": 3, "verbose": False, "sample_weight": WEIGHTS}
    found = compare({"ridge": Ridge()}, X, y, scoring=scoring, **options)
    expected = sklearn.metrics.r2_score(y, found.predictions["ridge"], sample_weight=WEIGHTS)
    assert found.table.loc["ridge", "r2"] == pytest.approx(expected)
    assert found.table.loc["ridge", "mine"] == WEIGHTS.sum()
    with pytest.raises(ValueError, match=r"The score 'score' cannot take these labels with weights"):
        compare({"ridge": Ridge()}, X, y, scoring={"score": lambda estimator, X, y: 0.0}, **options)


def test_what_takes_no_weights_is_refused_before_any_fit():
    X, labels = recordings(n_rows=24, n_subjects=6)
    models = {"ridge": FrameRegressor(), "mine": FrameRidge()}
    with pytest.raises(ValueError, match=r"estimators\['mine'\], FrameRidge\(\), takes no sample_weight"):
        compare(models, X, labels, sample_weight=WEIGHTS, verbose=False)
    loss = EarlyFusionRegressor(loss=lambda prediction, target, labelled: prediction.sum())
    with pytest.raises(TypeError, match=r"loss=<lambda> takes no weight"):
        compare({"network": loss}, X, labels, sample_weight=WEIGHTS, verbose=False)


def test_differences_and_repeats_of_weighted_comparisons():
    X = np.random.default_rng(0).normal(size=(24, 2))
    y, models = X[:, 0] + X[:, 1] ** 2, {"a": Ridge(), "b": Ridge(100.0)}
    results = [
        compare(models, X, y, scoring="mae", cv=3, sample_weight=weights, verbose=False)
        for weights in (WEIGHTS, None)
    ]
    found = paired_differences(results[0], "a")
    table = results[0].table["mae"]
    assert found.loc["b", "difference"] == pytest.approx(table["b"] - table["a"])
    assert found.loc["b", "low"] < found.loc["b", "difference"] < found.loc["b", "high"]
    with pytest.raises(ValueError, match="number 2 has other weights than the first"):
        paired_differences(results, "a")


def test_groups_that_were_tested_and_have_a_label_are_counted():
    X, y = np.arange(24.0)[:, None], np.arange(24.0)
    group = np.repeat(list("abcdef"), 4)
    y[group == "b"] = np.nan
    options = {
        "groups": group,
        "cv": [(np.arange(12, 24), np.arange(12))],
        "scoring": "mae",
        "verbose": False,
    }
    result = compare({"mean": DummyRegressor()}, X, y, **options)
    assert result.settings["n_groups"] == 2
    assert result.settings["n_groups_given"] == 6
    assert sorted(result.groups["group"]) == ["a", "c"]
    assert "2 of 6 groups tested" in repr(result)
    expected = metrics.bootstrap_interval(
        y[:12],
        result.predictions["mean"][:12],
        metrics.mean_absolute_error,
        groups=group[:12],
        random_state=0,
    )
    assert tuple(result.table.loc["mean", ["mae_low", "mae_high"]]) == expected
