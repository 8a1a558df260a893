import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut

import avfusion as av
from avfusion.model_selection import PurgedTimeKFold, compare
from avfusion.model_selection.comparison._novelty import hint_at_groups, novelty
from avfusion.sequences import as_sequences

N_ROWS = 24
SUBJECT, REST = np.divmod(np.arange(N_ROWS), 6)
VIDEO, PART = np.divmod(REST, 2)
FIVE = list(KFold(5).split(np.zeros(N_ROWS)))


def recordings(**columns):
    return as_sequences({"audio": [np.zeros(2)] * N_ROWS}).assign(**columns)


def share_new(X, folds, groups=None):
    return novelty(X, folds, groups).set_index("column")["share_new"].to_dict()


def test_shares_are_counted_row_by_row():
    X = recordings(subject=SUBJECT, video=VIDEO, gender=np.where(SUBJECT % 2, "f", "m"))
    new = {name: [] for name in ("subject", "video", "gender")}
    for train, test in FIVE:
        for name, found in new.items():
            found += [value not in set(X[name].iloc[train]) for value in X[name].iloc[test]]
    assert share_new(X, FIVE) == {name: pytest.approx(np.mean(found)) for name, found in new.items()}


def test_people_come_first_and_groups_that_were_given_before_them():
    X = recordings(corpus=np.where(SUBJECT % 2, "a", "b"), video=VIDEO, session=PART, subject=SUBJECT)
    table = novelty(X, FIVE, pd.DataFrame({"site": np.repeat(["x", "y"], 12)}))
    assert table["column"].tolist() == ["site", "subject", "video", "session", "corpus"]
    assert table["kind"].tolist() == ["group", "person", "stimulus", "session", "other"]


def test_groups_without_names_keep_their_order():
    groups = pd.DataFrame({"group 0": SUBJECT, "group 1": VIDEO})
    assert novelty(np.zeros((N_ROWS, 1)), FIVE, groups)["column"].tolist() == ["group 0", "group 1"]


def test_values_count_and_not_names():
    X = recordings(subject=np.arange(N_ROWS), video=SUBJECT)
    folds = list(LeaveOneGroupOut().split(X, groups=SUBJECT))
    assert share_new(X, folds) == {"subject": 1.0, "video": 1.0}


def test_rows_without_a_value_do_not_count():
    X = recordings(subject=[None if s == 0 else str(s) for s in SUBJECT])
    folds = list(LeaveOneGroupOut().split(X, groups=SUBJECT))
    assert share_new(X, folds) == {"subject": 1.0}


def timed(starts):
    X = as_sequences({"audio": [np.zeros(2)] * N_ROWS}, rate_hz=1, start_s=list(starts))
    return X.assign(subject=SUBJECT)


def test_later_in_time_by_recording():
    X = timed(2.0 * REST)
    forward = list(PurgedTimeKFold(2, groups="subject", forward=True).split(X))
    assert share_new(X, forward) == {"subject": 0.0, "later in time": 1.0}
    backward = [(test, train) for train, test in forward]
    assert share_new(X, backward)["later in time"] == 0.0
    assert "later in time" not in share_new(X, list(LeaveOneGroupOut().split(X, groups=SUBJECT)))


def test_clocks_that_all_begin_at_zero_are_of_several_recordings():
    assert "later in time" not in share_new(timed(np.zeros(N_ROWS)), FIVE)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"groups": "subject"}, "Test rows: new subject; video seen in training."),
        ({"groups": "video"}, "Test rows: new video; subject seen in training."),
        (
            {"groups": ("subject", "video")},
            "Test rows: new subject, video; 42 % of the rows neither train nor are tested in a fold.",
        ),
        ({"groups": SUBJECT // 2}, "Test rows: new group, subject; video seen in training."),
        (
            {"cv": [(np.arange(6), np.arange(6, 15))]},
            "new subject; video seen in training; 38 % of the rows neither train nor are tested in a fold.",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:X has a column")
def test_every_form_of_a_comparison_says_it(options, line, tmp_path):
    X = recordings(subject=SUBJECT, video=VIDEO)
    X["audio"] = as_sequences({"audio": [np.full(2, k) for k in range(N_ROWS)]})["audio"].array
    result = compare(
        {"mean": av.FrameRegressor()}, X, np.arange(24.0), scoring="mae", verbose=False, **options
    )
    for text in (repr(result), result._repr_html_(), result.to_markdown()):
        assert line in " ".join(text.split())
    kept = json.loads((result.save(tmp_path / "result") / "settings.json").read_text())
    assert pd.DataFrame(kept["novelty"]).equals(result.novelty)


def test_nothing_is_said_where_no_column_tells_rows_apart():
    X = np.random.default_rng(0).normal(size=(N_ROWS, 2))
    result = compare({"mean": DummyRegressor()}, X, X[:, 0], verbose=False)
    assert "Test rows" not in repr(result)
    assert len(result.novelty) == 0


def hint(X, folds=FIVE):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        hint_at_groups(X, folds)
    assert len(said) <= 1
    return str(said[0].message) if said else ""


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"subject": SUBJECT}, "subject"),
        ({"Speaker_ID": np.where(SUBJECT % 2, "a", "b")}, "Speaker_ID"),
        ({"video": VIDEO, "subject": SUBJECT}, "subject"),
        ({"story": np.array(list("abc"))[VIDEO]}, "story"),
        ({"file": [f"{s}.wav" for s in SUBJECT], "video": VIDEO}, "file"),
        ({"session": [f"day {s}" for s in SUBJECT]}, "session"),
        ({"session": np.arange(N_ROWS) // 3}, "session"),
        ({"dyad": SUBJECT}, "dyad"),
        ({"who": [f"P{s:02}" for s in np.arange(N_ROWS) // 4]}, "who"),
    ],
)
def test_the_best_candidate_is_named(columns, name):
    text = hint(recordings(**columns))
    assert text.startswith(f"X has a column {name!r}, and rows of one {name} are trained on and tested")
    assert f"Give groups={name!r}" in text
    assert len(text) <= 320


def test_both_are_named_where_people_and_videos_repeat():
    assert "groups=('subject', 'video')" in hint(recordings(subject=SUBJECT, video=VIDEO))


@pytest.mark.parametrize(
    "columns",
    [
        {"split": np.array(["train", "dev", "test"])[VIDEO]},
        {"gender": np.where(SUBJECT % 2, "f", "m")},
        {"label": [f"class {v}" for v in np.arange(N_ROWS) // 4]},
        {"emotion": np.array(["joy", "fear", "rage"])[VIDEO]},
        {"fold": np.arange(N_ROWS) % 5},
        {"age": 20 + SUBJECT},
        {"age_group": [f"{a}-{a + 9} y" for a in 10 * (np.arange(N_ROWS) // 4)]},
        {"condition": [f"c{v}" for v in np.arange(N_ROWS) // 4]},
        {"session": 1 + PART},  # the first and second of each
        {"session": np.array(["first", "second"])[PART]},
        {"rating": np.arange(N_ROWS) / 4 // 1 / 2},
        {"usable": SUBJECT > 1},
        {"subject": np.arange(N_ROWS)},  # one row each
        {"subject": "anna"},  # a single one
        {"city": np.array(["rome", "oslo", "bern", "kiel", "nice", "york"])[np.arange(N_ROWS) // 4]},
        {"rate": [f"{r} Hz" for r in np.arange(N_ROWS) // 4]},
    ],
)
def test_no_false_alarms(columns):
    assert hint(recordings(**columns)) == ""


def test_a_split_by_something_needs_no_hint():
    X = recordings(subject=SUBJECT, video=VIDEO)
    assert hint(X, list(GroupKFold(2).split(X, groups=VIDEO))) == ""
    assert hint(pd.DataFrame({"session": [1, 2, 3, 4] * 6, "pitch": 0.5}), FIVE) == ""


def test_folds_in_time_need_no_hint(recwarn):
    X = timed(2.0 * REST)
    compare(
        {"mean": av.FrameRegressor()},
        X,
        np.arange(24.0),
        cv=PurgedTimeKFold(2, groups="subject"),
        verbose=False,
    )
    assert not recwarn
