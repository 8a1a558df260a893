import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, check_cv, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.model_selection import CrossedGroupKFold, check_leakage, compare, rerun

SUBJECT, VIDEO = np.divmod(np.arange(30), 5)
SEEN = pd.DataFrame({"subject": SUBJECT, "video": VIDEO})
BOTH = ("subject", "video")
FEATURES = np.random.default_rng(0).normal(size=(30, 3))


def check(folds, table):
    """Each row is tested once, shares nothing with training rows, and all that share nothing train."""
    assert np.sort(np.concatenate([test for _, test in folds])).tolist() == list(range(len(table)))
    for train, test in folds:
        assert len(train)
        for name in table:
            assert not set(table[name].iloc[train]) & set(table[name].iloc[test])


@given(
    st.integers(2, 4),
    st.integers(2, 4),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 1)), min_size=4, max_size=40),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_test_rows_share_nothing_with_training_rows(n_one, n_other, rows, shuffle):
    table = pd.DataFrame(rows, columns=["a", "b", "c"])
    cv = CrossedGroupKFold(("a", "b", "c"), n_splits=(n_one, n_other, 2), shuffle=shuffle, random_state=0)
    try:
        folds = list(cv.split(table))
    except ValueError:  # too few values, or no row to train on
        return
    check(folds, table)
    assert len(folds) == cv.get_n_splits(table)


def test_of_a_full_table_there_are_the_product_of_folds():
    cv = CrossedGroupKFold(BOTH, n_splits=(3, 5))
    folds = list(cv.split(SEEN))
    check(folds, SEEN)
    assert len(folds) == cv.get_n_splits(SEEN) == cv.get_n_splits() == 15
    assert [(len(train), len(test)) for train, test in folds] == [(16, 2)] * 15
    assert cv.n_left_out(SEEN).tolist() == [12] * 15


def test_parts_are_those_of_group_folds():
    videos = {tuple(test) for _, test in GroupKFold(5).split(SEEN, groups=VIDEO)}
    subjects = {tuple(test) for _, test in GroupKFold(3).split(SEEN, groups=SUBJECT)}
    expected = {tuple(sorted(set(one) & set(other))) for one in subjects for other in videos}
    assert {tuple(test) for _, test in CrossedGroupKFold(BOTH, n_splits=(3, 5)).split(SEEN)} == expected


@pytest.mark.parametrize("names", [("subject", "session"), ("session", "subject"), ("subject", "twin")])
def test_what_is_nested_adds_nothing(names):
    table = pd.DataFrame({"subject": SUBJECT, "session": 10 * SUBJECT + VIDEO // 2, "twin": SUBJECT * 7})
    folds = list(CrossedGroupKFold(names, n_splits=3).split(table))
    alone = list(GroupKFold(3).split(table, groups=SUBJECT))
    for (train, test), (other_train, other_test) in zip(folds, alone, strict=True):
        np.testing.assert_array_equal(train, other_train)
        np.testing.assert_array_equal(test, other_test)


def test_combinations_without_rows_make_no_fold():
    sparse = SEEN[(SUBJECT + VIDEO) % 3 > 0].reset_index(drop=True)
    cv = CrossedGroupKFold(BOTH, n_splits=(6, 5))
    folds = list(cv.split(sparse))
    check(folds, sparse)
    assert len(folds) == len(sparse) == cv.get_n_splits(sparse)


@pytest.mark.parametrize(
    ("cv", "table", "message"),
    [
        (CrossedGroupKFold(), None, "groups is needed: name columns of X"),
        (CrossedGroupKFold(), SEEN["video"], r"two kinds of groups or more.*got 'video' alone"),
        (CrossedGroupKFold("subject"), None, "needs two kinds of groups"),
        (
            CrossedGroupKFold(BOTH, n_splits=6),
            None,
            r"video has 5 value\(s\), 0, 1, 2 and 2 more, fewer than",
        ),
        (CrossedGroupKFold(BOTH, n_splits=1), None, "n_splits must be an integer of at least 2"),
        (CrossedGroupKFold(BOTH, n_splits=(2, 2, 2)), None, "one for each of 'subject', 'video'"),
        (CrossedGroupKFold(BOTH, n_splits=2.0), None, "n_splits must be an integer"),
        (CrossedGroupKFold(("subject", "film")), None, "groups='film' is no column of X"),
        (CrossedGroupKFold(("person", "film")), None, "groups='person' is no column of X"),
        (CrossedGroupKFold(), SEEN.head(3), "has 3 values for 30 rows"),
        (CrossedGroupKFold(), SEEN.assign(subject="a"), r"subject has 1 value\(s\), 'a', fewer than"),
    ],
)
def test_what_cannot_be_split_is_refused(cv, table, message):
    with pytest.raises(ValueError, match=message):
        list(cv.split(SEEN, groups=table))


def test_nothing_to_train_on():
    table = pd.DataFrame({"a": [0, 0, 1], "b": [0, 1, 0]})
    with pytest.raises(ValueError, match=r"No row is left to train on where row 0 is tested: .* a 0 or b 0"):
        list(CrossedGroupKFold(("a", "b"), n_splits=2).split(table))


def test_a_missing_value_is_named():
    table = SEEN.assign(video=[np.nan, *VIDEO[1:]])
    with pytest.raises(ValueError, match=r"groups, 'video', is missing for row 0"):
        list(CrossedGroupKFold(BOTH).split(table))


def test_tools_of_scikit_learn():
    cv, y = CrossedGroupKFold(n_splits=2), FEATURES[:, 0]
    assert check_cv(cv) is cv
    assert "n_splits=2" in repr(cv)
    assert clone(cv, safe=False) is not cv
    scores = cross_validate(Ridge(), FEATURES, y, groups=SEEN, cv=cv)["test_score"]
    assert len(scores) == 4
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=cv).fit(FEATURES, y, groups=SEEN.to_numpy())
    assert search.n_splits_ == 4
    assert cross_val_predict(Ridge(), FEATURES, y, groups=SEEN, cv=cv).shape == (30,)


def test_groups_are_routed_as_to_group_folds():
    with config_context(enable_metadata_routing=True):
        for cv in (CrossedGroupKFold(n_splits=2), GroupKFold(2)):
            assert cv.get_metadata_routing().consumes("split", ["groups"]) == {"groups"}
        scores = cross_validate(
            Ridge(), FEATURES, FEATURES[:, 0], params={"groups": SEEN}, cv=CrossedGroupKFold(n_splits=2)
        )
    assert len(scores["test_score"]) == 4


def recordings():
    rng = np.random.default_rng(0)
    X = av.as_sequences({"audio": [rng.normal(size=(4, 2)) for _ in SUBJECT]}, rate_hz=1)
    return X.assign(subject=SUBJECT, video=VIDEO), rng.normal(size=30)


@pytest.mark.parametrize(
    ("options", "n_folds"),
    [
        ({"groups": BOTH}, 16),
        ({"groups": list(BOTH), "cv": 2}, 4),
        ({"groups": SEEN, "cv": CrossedGroupKFold(n_splits=2)}, 4),
        ({"cv": CrossedGroupKFold(BOTH, n_splits=2)}, 4),
    ],
)
def test_compare_tests_new_people_with_new_videos(options, n_folds, tmp_path):
    X, y = recordings()
    result = compare({"a": av.FrameRegressor()}, X, y, scoring="mae", verbose=False, **options)
    assert result.settings["n_folds"] == n_folds
    assert result.settings["n_groups_of"] == {"subject": 6, "video": 5}
    assert (result.fold_of_row >= 0).all()
    novelty = result.novelty.set_index("column")["share_new"]
    assert novelty.to_dict() == {"subject": 1.0, "video": 1.0}
    expected = av.metrics.bootstrap_interval(
        y, result.predictions["a"], av.metrics.mean_absolute_error, groups=SEEN, random_state=0
    )
    np.testing.assert_allclose(result.table.loc["a", ["mae_low", "mae_high"]].astype(float), expected)
    assert "30 groups (6 subject x 5 video)" in " ".join(repr(result).split())
    assert "bootstrap over subject and video" in " ".join(repr(result).split())
    again = rerun(result.save(tmp_path / "result"), X, y, verbose=False)
    assert again.table["mae_low"].equals(result.table["mae_low"])
    assert again.novelty.equals(result.novelty)


def test_group_folds_keep_combinations_together():
    X, y = recordings()
    result = compare(
        {"a": av.FrameRegressor()}, X, y, groups=BOTH, cv=GroupKFold(3), scoring="mae", verbose=False
    )
    assert result.settings["n_folds"] == 3
    assert "subject, video seen in training" in repr(result)


def test_searches_within_and_around():
    X, y = recordings()
    inner = GridSearchCV(
        av.FrameRegressor(Ridge()), {"regressor__alpha": [1.0, 10.0]}, cv=CrossedGroupKFold(BOTH, n_splits=2)
    )
    result = compare({"search": make_pipeline(av.OnFrames(), inner)}, X, y, groups=BOTH, cv=2, verbose=False)
    assert not result.table.isna().any(axis=None)
    search = av.FusionSearchCV(av.FrameRegressor(Ridge()), {"regressor__alpha": [1.0, 10.0]}, n_trials=2)
    assert search.fit(X, y, groups=BOTH).n_splits_ == 16
    rescaled = av.LateFusionRegressor(cv=CrossedGroupKFold(BOTH, n_splits=2), groups=BOTH)
    assert rescaled.get_params()["groups"] == BOTH


def test_leaks_are_looked_for_in_each_kind():
    X, y = recordings()
    assert "groups" not in dict(check_leakage(None, X, y, BOTH).findings)
    with pytest.warns(UserWarning, match="groups of 'video' are trained on and tested"):
        findings = check_leakage(None, X, y, BOTH, cv=list(GroupKFold(3).split(X, groups=SUBJECT))).findings
    assert [kind for kind, _ in findings] == ["groups"]


def test_the_same_stream_of_a_video_for_everyone_is_no_copy_where_videos_do_not_meet():
    X, y = recordings()
    X["audio"] = X["audio"].array.take(VIDEO)
    model = {"a": av.FrameRegressor()}
    compare(model, X, y, groups=BOTH, verbose=False)
    with pytest.raises(ValueError, match="The recording of row 0"):
        compare(model, X, y, groups="subject", verbose=False)
