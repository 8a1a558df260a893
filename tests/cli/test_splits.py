import re

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold

import avfusion as av
from avfusion.cli._recordings import Recordings
from avfusion.cli._splits import check_options, known_groups, splitter
from avfusion.model_selection import PurgedTimeKFold
from tests.cli.test_app import run

X = pd.DataFrame(
    {"subject": [1, 1, 2], "video": [1, 2, 1], "a,b": [1, 2, 3], "split": ["train", "dev", "dev"]}
)
RECORDINGS = Recordings("mine", X, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        (["subject"], "subject"),
        (["subject", "video"], ("subject", "video")),
        (["subject,video"], ("subject", "video")),
        (["subject", "subject"], "subject"),
        (["a,b"], "a,b"),
    ],
)
def test_columns_by_name(given, expected):
    assert known_groups(RECORDINGS, given) == expected


@pytest.mark.parametrize(
    ("given", "message"), [(["film"], "--groups film: mine has no"), (["split"], "--train")]
)
def test_other_columns_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        known_groups(RECORDINGS, given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("years", None, None, None, None), "--cv years is none of groups, crossed, time, forward"),
        (("crossed", None, 3.0, None, None), "--gap is for --cv time"),
        (("time", None, None, ["a=1"], ["a=2"]), "--cv is for cross-validation"),
        ((None, 3, None, ["a=1"], ["a=2"]), "--folds is for cross-validation"),
    ],
)
def test_options_that_contradict_each_other(options, message):
    with pytest.raises(ValueError, match=message):
        check_options(*options)


def test_what_compare_takes():
    assert splitter(None, 3, None, "subject") == 3
    assert splitter("crossed", None, None, ("subject", "video")) is None
    assert isinstance(splitter("groups", 3, None, ("subject", "video")), GroupKFold)
    forward = splitter("forward", None, 2.0, "recording")
    assert isinstance(forward, PurgedTimeKFold)
    assert (forward.n_splits, forward.gap_s, forward.forward) == (5, 2.0, True)
    for cv, groups in (("crossed", "subject"), ("crossed", None), ("groups", None)):
        with pytest.raises(ValueError, match=f"--cv {cv} needs"):
            splitter(cv, None, None, groups)


@pytest.fixture
def segments(tmp_path):
    """Write segments of six people with four videos each, and a file of an estimator."""
    rng = np.random.default_rng(0)
    subject, rest = np.divmod(np.arange(72), 12)
    video, part = np.divmod(rest, 3)
    table = av.as_sequences(
        {"audio": [rng.normal(size=(4, 2)) for _ in subject]}, rate_hz=1, start_s=list(4.0 * part)
    )
    table.assign(subject=subject, video=video, joy=rng.normal(size=72)).to_parquet(tmp_path / "x.parquet")
    (tmp_path / "ridge.yaml").write_text("ridge:\n  - FrameRegressor\n")
    return [
        "compare",
        tmp_path / "x.parquet",
        "--target",
        "joy",
        "-e",
        tmp_path / "ridge.yaml",
        "--scoring",
        "mae",
    ]


BOTH = ["--groups", "subject", "--groups", "video"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (BOTH, ["16 folds", "(6 subject x 4 video)", "Test rows: new subject, video; 38 %"]),
        ([*BOTH, "--cv", "crossed", "--folds", "2"], ["4 folds", "Test rows: new subject, video; 50 %"]),
        ([*BOTH, "--cv", "groups"], ["5 folds", "subject, video seen in training"]),
        (["--groups", "subject"], ["6 folds", "Test rows: new subject; video seen in training."]),
        ([*BOTH, "--cv", "time", "--folds", "2"], ["2 folds", "seen in training; later in time: 33 %."]),
        ([*BOTH, "--cv", "forward", "--folds", "2"], ["2 folds", "later in time: yes"]),
        (["--folds", "6"], ["6 folds", "Test rows: new subject; video seen in training."]),
    ],
)
def test_a_comparison_says_what_is_new(segments, more, said):
    result = run(*segments, *more)
    for words in said:
        assert words in result.output


def test_a_gap_that_leaves_nothing_is_an_error_of_one_line(segments):
    result = run(*segments, *BOTH, "--cv", "time", "--folds", "2", "--gap", "60", code=2)
    assert result.output.startswith("Error: gap_s=60 leaves no row to train on in fold 1.")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("more", "said", "not_said"),
    [
        ([], " stimulus ", "one constant per subject"),
        (["--situation", "person=video"], "one constant per video", " stimulus "),
        (["--situation", "none"], "Test rows", "What the situation alone predicts"),
    ],
)
def test_the_situation_is_that_of_the_columns_that_are_named(segments, more, said, not_said):
    result = run(*segments, "--groups", "subject", *more)
    assert said in result.output
    assert not_said not in result.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stimulus=film", "--situation film: .* has no such metadata column"),
        ("story=video", "--situation story=video must be one of stimulus, person and a column"),
        ("video", "--situation video must have the form NAME=VALUE, as in --situation stimulus=video"),
    ],
)
def test_a_situation_that_is_none_is_an_error_of_one_line(segments, text, message):
    result = run(*segments, "--situation", text, code=2)
    assert re.match(f"Error: {message}", result.output)
    assert result.output.count("\n") == 1
