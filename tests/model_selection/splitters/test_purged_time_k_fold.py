import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate

import avfusion as av
from avfusion.model_selection import PurgedTimeKFold, compare

TOLERANCE_S = 1e-5


def windows(n_rows, length_s, hop_s, recording="a", rate_hz=2):
    """Rows of windows, of recordings of which each has a clock that begins at 0."""
    steps = [np.zeros((round(length_s * rate_hz), 1)) for _ in range(n_rows)]
    starts = [hop_s * k for k in range(n_rows)]
    return av.as_sequences({"audio": steps}, rate_hz=rate_hz, start_s=starts).assign(recording=recording)


def distance(one, other):
    """Return the seconds between two stretches, negative where they overlap."""
    return max(other[0] - one[1], one[0] - other[1])


def check(folds, recordings, begins, ends, gap_s, forward=False):
    spans = list(zip(begins, ends))
    for train, test in folds:
        assert len(train)
        assert len(test)
        for row in test:
            for other in train:
                if recordings[row] != recordings[other]:
                    continue
                assert distance(spans[row], spans[other]) >= gap_s - TOLERANCE_S
                assert begins[row] != begins[other]
                assert not forward or begins[other] < begins[row]


ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.floats(0, 100), st.sampled_from([0.0, 0.5, 3.0, 20.0])),
    min_size=6,
    max_size=40,
)


@given(ROWS, st.integers(2, 5), st.sampled_from([0.0, 0.1, 2.0, 15.0]), st.booleans())
@settings(max_examples=100, deadline=None)
def test_no_row_trains_within_the_gap(rows, n_splits, gap_s, forward):
    recordings, begins, lengths = (np.array(values) for values in zip(*rows))
    X = pd.DataFrame({"recording": recordings, "start": begins, "end": begins + lengths})
    cv = PurgedTimeKFold(n_splits, gap_s=gap_s, groups="recording", time=("start", "end"), forward=forward)
    try:
        folds = list(cv.split(X))
    except ValueError:  # too few rows, or none to train on
        return
    check(folds, recordings, begins, begins + lengths, gap_s, forward)
    assert len(folds) == n_splits == cv.get_n_splits(X)
    tested = np.concatenate([test for _, test in folds])
    assert len(set(tested)) == len(tested)
    assert forward or len(tested) == len(X)


@given(
    st.integers(4, 30),
    st.sampled_from([0.5, 1.0, 2.5, 4.0]),
    st.sampled_from([0.5, 2.0, 4.0]),
    st.floats(0, 6),
)
@settings(max_examples=60, deadline=None)
def test_clocks_of_streams_are_read(n_rows, hop_s, length_s, gap_s):
    X = pd.concat(
        [windows(n_rows, length_s, hop_s), windows(n_rows, length_s, hop_s, "b")], ignore_index=True
    )
    begins = np.tile(hop_s * np.arange(n_rows), 2)
    try:
        folds = list(PurgedTimeKFold(2, gap_s=gap_s, groups="recording").split(X))
    except ValueError:
        return
    check(folds, X["recording"], begins, begins + length_s, gap_s)


def test_without_gap_and_overlap_nothing_is_left_out():
    folds = list(PurgedTimeKFold(4).split(windows(8, 2.0, 2.0)))
    assert [test.tolist() for _, test in folds] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [len(train) for train, _ in folds] == [6] * 4


def test_overlapping_windows_are_left_out():
    # windows of 4 s each second: the three before and behind a block touch it
    folds = list(PurgedTimeKFold(4).split(windows(16, 4.0, 1.0)))
    assert folds[1][1].tolist() == [4, 5, 6, 7]
    assert folds[1][0].tolist() == [0, *range(11, 16)]


def test_forward_trains_on_the_past_alone():
    cv = PurgedTimeKFold(3, gap_s=2.0, forward=True)
    folds = list(cv.split(windows(8, 2.0, 2.0)))
    assert [(train.tolist(), test.tolist()) for train, test in folds] == [
        ([0], [2, 3]),
        ([0, 1, 2], [4, 5]),
        ([0, 1, 2, 3, 4], [6, 7]),
    ]


def test_rows_in_any_order():
    order = np.random.default_rng(0).permutation(12)
    X = windows(12, 2.0, 2.0).iloc[order]
    for (train, test), (own, its) in zip(
        PurgedTimeKFold(3).split(windows(12, 2.0, 2.0)), PurgedTimeKFold(3).split(X)
    ):
        assert set(order[own]) == set(train)
        assert set(order[its]) == set(test)


def test_short_recordings_take_turns():
    X = pd.concat([windows(2, 1.0, 1.0, name) for name in "abcdef"], ignore_index=True)
    sizes = [len(test) for _, test in PurgedTimeKFold(4, groups="recording").split(X)]
    assert sizes == [3] * 4


def test_rows_of_two_people_in_one_session_share_its_clock():
    X = pd.concat([windows(6, 2.0, 2.0), windows(6, 2.0, 2.0)], ignore_index=True).assign(
        person=np.arange(12) // 6
    )
    for train, test in PurgedTimeKFold(3, groups="recording").split(X):
        assert not set(train % 6) & set(test % 6)


def test_times_of_a_column():
    X = pd.DataFrame({"start": pd.to_timedelta([0, 10, 20, 30], unit="s"), "f": 0.0})
    folds = list(PurgedTimeKFold(2, time="start", gap_s=15.0).split(X))
    assert [(train.tolist(), test.tolist()) for train, test in folds] == [([3], [0, 1]), ([0], [2, 3])]


ONE_EACH = windows(3, 5.0, 1.0).assign(recording=["a", "b", "c"])
UNDECLARED = av.as_sequences({"audio": [np.zeros(3)] * 6}, rate_hz=1).assign(recording="a")


@pytest.mark.parametrize(
    ("cv", "X", "message"),
    [
        (
            PurgedTimeKFold(3, groups="recording"),
            ONE_EACH,
            r"3 recording\(s\) have at most 1 row\(s\).*av.cut\(X, table\)",
        ),
        (
            PurgedTimeKFold(2),
            windows(1, 600.0, 1.0),
            r"X has at most 1 row\(s\).*Cut recordings into rows.*av.cut",
        ),
        (
            PurgedTimeKFold(3, groups="recording"),
            UNDECLARED,
            r"Nothing says when row 0 .*begins.*time='start'",
        ),
        (PurgedTimeKFold(3), np.zeros((9, 2)), r"Nothing says when row 0 begins"),
        (
            PurgedTimeKFold(3, time="begin"),
            windows(6, 1.0, 1.0),
            "time='begin' is no column of X. Its columns",
        ),
        (PurgedTimeKFold(3, time="begin"), np.zeros((9, 2)), "time='begin' is no column of X"),
        (PurgedTimeKFold(3, groups="film"), windows(6, 1.0, 1.0), "groups='film' is no column"),
        (
            PurgedTimeKFold(3, gap_s=100),
            windows(6, 1.0, 1.0),
            "gap_s=100 leaves no row to train on in fold 1",
        ),
        (
            PurgedTimeKFold(3, gap_s=-1),
            windows(6, 1.0, 1.0),
            "gap_s=-1 must be a number of seconds, 0 or more",
        ),
        (PurgedTimeKFold(3, gap_s=np.nan), windows(6, 1.0, 1.0), "gap_s=nan must be a number"),
        (PurgedTimeKFold(3, gap_s=True), windows(6, 1.0, 1.0), "gap_s=True must be a number"),
        (
            PurgedTimeKFold(3, time=("a", "b", "c")),
            windows(6, 1.0, 1.0),
            r"time=\('a', 'b', 'c'\) must be the column",
        ),
        (
            PurgedTimeKFold(3, time="t"),
            windows(6, 1.0, 1.0).assign(t=[True, False] * 3),
            "'t' holds truth values",
        ),
        (
            PurgedTimeKFold(3, time="t"),
            windows(6, 1.0, 1.0).assign(t=[*range(5), np.inf]),
            "no time for row 5",
        ),
        (
            PurgedTimeKFold(2, time="t"),
            pd.DataFrame({"t": [0.0] * 6}),
            "No row is left to train on in fold 1: all begin at one time.*av.cut.*name the recordings",
        ),
        (
            PurgedTimeKFold(2, time="t", groups="film"),
            pd.DataFrame({"t": [0.0] * 6, "film": "a"}),
            r"No row is left to train on in fold 1: .*av.cut\(X, table\).$",
        ),
        (PurgedTimeKFold(1), windows(6, 1.0, 1.0), "n_splits=1 must be an integer of at least 2"),
        (PurgedTimeKFold(7), windows(6, 1.0, 1.0), "cannot be split into 7 blocks"),
        (PurgedTimeKFold(6, forward=True), windows(6, 1.0, 1.0), "cannot be split into 7 blocks"),
    ],
)
def test_what_cannot_be_split_is_refused(cv, X, message):
    with pytest.raises(ValueError, match=message):
        list(cv.split(X))


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ([0.0, np.nan, 2.0, 3.0], [1, 2, 3, 4], "'start' has no time for row 1"),
        ([0, 5, 2, 3], [1, 2, 3, 4], "row 1"),
    ],
)
def test_times_that_are_none_are_named(start, end, message):
    X = pd.DataFrame({"start": start, "end": end})
    with pytest.raises(ValueError, match=message):
        list(PurgedTimeKFold(2, time=("start", "end")).split(X))


def data():
    X = pd.concat([windows(10, 2.0, 2.0, name) for name in "ab"], ignore_index=True)
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(4, 2)) for _ in range(20)]
    X["audio"] = av.as_sequences({"audio": cells}, rate_hz=2)["audio"].array.with_clock(
        2, start_s=X["audio"].array.starts_s
    )
    return X, rng.normal(size=20)


def test_tools_of_scikit_learn():
    X, y = data()
    cv = PurgedTimeKFold(3, gap_s=1.0)
    assert clone(cv, safe=False).gap_s == 1.0
    assert "gap_s=1.0" in repr(cv)
    model = av.FrameRegressor(Ridge())
    assert len(cross_validate(model, X, y, groups=X["recording"], cv=cv)["test_score"]) == 3
    assert len(cross_val_predict(model, X, y, groups=X["recording"], cv=cv)) == 20
    search = GridSearchCV(model, {"regressor__alpha": [1.0, 2.0]}, cv=cv).fit(X, y, groups=X["recording"])
    assert search.n_splits_ == 3
    with config_context(enable_metadata_routing=True):
        own = cross_validate(model, X, y, params={"groups": X["recording"]}, cv=cv)
    assert len(own["test_score"]) == 3


@pytest.mark.parametrize("forward", [False, True])
def test_compare_says_that_recordings_are_known(forward, recwarn):
    X, y = data()
    cv = PurgedTimeKFold(4, gap_s=1.0, groups="recording", forward=forward)
    result = compare({"a": av.FrameRegressor()}, X, y, cv=cv, scoring="mae", verbose=False)
    assert not recwarn
    n_tested = 16 if forward else 20
    assert (result.fold_of_row >= 0).sum() == n_tested
    later = result.novelty.set_index("kind")["share_new"]
    assert later["recording"] == 0
    assert later["time"] == (1.0 if forward else pytest.approx(result.fold_of_row.tolist().count(3) / 20))
    assert f"recording seen in training; later in time: {'yes' if forward else '20 %'}; " in repr(result)
