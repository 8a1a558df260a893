import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.sequences import LabelMarkerWarning, mask_labels

QUICK = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}


def rows(n_rows=4, steps=20, width=3, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(steps, width)) for _ in range(n_rows)]


def fit(cells, y, **parameters):
    return av.EarlyFusionRegressor(**QUICK, **parameters).fit(av.as_sequences({"audio": cells}), y)


def messages(cells, y, **parameters):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(cells, y, **parameters)
    return [str(w.message) for w in caught if w.category is UserWarning]


def labels(cells):
    return [x[:, 0] for x in cells]


def test_usual_data_give_none():
    cells = rows()
    cells[0][3] = np.nan  # a failed frame
    assert messages(cells, labels(cells)) == []
    assert messages(cells, labels(cells), window=5) == []
    assert messages(cells, np.arange(4.0), window=5000) == []  # clips are never cut


@pytest.mark.parametrize("per_frame", [True, False])
def test_a_target_that_never_varies(per_frame):
    cells = rows()
    y = [np.full(20, 0.5) for _ in cells] if per_frame else np.full(4, 0.5)
    with pytest.warns(UserWarning, match="is always 0.5. There is nothing to learn from it"):
        fit(cells, y)
    both = [np.column_stack([x[:, 0], np.full(20, 2.0)]) for x in cells]
    [message] = messages(cells, both)
    assert "labels: target 1 is always 2. There" in message


def test_numbers_per_row_that_may_be_meant_per_step():
    cells = rows(steps=8)  # from 10 numbers on it is refused: see tests/sequences/test_readings.py
    table = np.random.default_rng(0).normal(size=(4, 8))
    with pytest.warns(
        UserWarning, match=r"as many as its streams have steps.*For a label per step, give y as a list"
    ):
        fit(cells, table)
    assert messages(cells, table[:, :7]) == []
    assert messages(cells, table[:, :, None]) == []
    assert messages(cells, list(table)) == []


def test_a_window_that_was_chosen_and_cuts_nothing():
    cells = rows()
    match = (
        r"window=21 is longer than every training row \(the longest has 20 steps\), so rows are seen whole"
    )
    with pytest.warns(UserWarning, match=match):
        fit(cells, labels(cells), window=21)
    assert messages(cells, labels(cells), window=20) == []


def test_features_of_very_different_scales():
    cells = [x * [1.0, 1e-3, 1e4] for x in rows()]
    match = r"Features of stream 'audio' are of very different scale: feature 2 .*feature 1 .*StandardScaler"
    with pytest.warns(UserWarning, match=match):
        fit(cells, labels(cells), input_norm=None, lr=1e-5)
    assert messages(cells, labels(cells)) == []
    constant = [x * [1.0, 0.0, 1.0] for x in rows()]
    assert messages(constant, labels(constant), input_norm=None) == []


def test_steps_that_lack_single_features():
    cells, y = rows(), labels(rows())
    for x in cells:
        x[::2, 1] = np.nan
        x[1, 2] = np.nan
    match = r"55% of the steps of stream 'audio' lack some .*: feature 1 \(in 50% of steps\), 2 \(in 5% "
    with pytest.warns(UserWarning, match=match):
        fit(cells, y)
    for x in cells:
        x[::2] = np.nan  # whole steps: failed frames are no surprise
        x[1] = 0.0
    assert messages(cells, y) == []


@pytest.mark.parametrize("missing", [slice(0, 1), slice(0, 3)])  # few of them, and most of them
def test_steps_that_lack_features_are_told_however_many_are_missing(missing):
    cells = rows(width=4)
    cells[0][:, missing] = np.nan
    [message] = messages(cells, labels(rows(width=4)))
    assert message.startswith("25% of the steps of stream 'audio' lack")
    assert ("0 (in 25% of steps), 1 (in 25% of steps), 2" in message) == (missing.stop == 3)


def test_a_few_steps_that_lack_features_are_not_worth_a_word():
    cells = rows(steps=200)
    cells[0][:7, 1] = np.nan  # 7 of 800
    assert messages(cells, labels(rows(steps=200))) == []


def test_each_is_given_once_and_before_training():
    cells = rows()
    assert len(messages(cells, np.full(4, 0.5), n_members=3)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = av.EarlyFusionRegressor(**QUICK)
        with pytest.raises(UserWarning, match="nothing to learn"):
            model.fit(av.as_sequences({"audio": cells}), np.full(4, 0.5))
    assert not hasattr(model, "net_")


@pytest.mark.parametrize(("labels", "told"), [([3.0, 5.0, 4.5, 6.0], True), ([-0.5, 0.9, 0.1, 0.2], False)])
def test_targets_far_from_zero_want_to_be_scaled(labels, told, recwarn):
    X = av.as_sequences({"audio": [np.full((5, 2), label) for label in labels]})
    av.EarlyFusionRegressor(hidden_size=4, max_epochs=1, standardize_target=False).fit(X, labels)
    found = [str(w.message) for w in recwarn if "standardize_target=False" in str(w.message)]
    assert len(found) == told
    if told:
        assert "target has mean 4.62 and standard deviation 1.08" in found[0]
    recwarn.clear()
    av.EarlyFusionRegressor(hidden_size=4, max_epochs=1).fit(X, labels)
    assert not [w for w in recwarn if "standardize_target" in str(w.message)]


FRAMES = av.FrameRegressor(Ridge())
MODELS = {
    "network": av.EarlyFusionRegressor(**QUICK),
    "frames": FRAMES,
    "rescaled": av.RescaledRegressor(FRAMES, n_splits=2),
    "late": av.LateFusionRegressor([("audio", FRAMES, ["audio"])], weights="simplex", cv=2),
}


def marked(per_frame=True):
    """Rows with labels of which a fifth is -5."""
    cells = rows(10, steps=30)
    y = [np.where(np.arange(30) % 5 == 0, -5, np.tanh(x[:, 0])) for x in cells]
    X = av.as_sequences({"audio": cells * 2})
    return X, y * 2 if per_frame else np.array([(values[1], -5) for values in y]).ravel()


@pytest.mark.parametrize("per_frame", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_a_marker_for_no_label_is_told_once(name, per_frame):
    X, y = marked(per_frame)
    with pytest.warns(LabelMarkerWarning, match="-5 in (120 of 600|10 of 20), .* missing_label=-5") as caught:
        MODELS[name].fit(X, y)
    assert [w.filename for w in caught if w.category is LabelMarkerWarning] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error", LabelMarkerWarning)
        MODELS[name].fit(X, mask_labels(y, -5))


def test_a_comparison_tells_of_a_marker_once():
    X, y = marked()
    with pytest.warns(LabelMarkerWarning) as caught:
        av.compare({"ridge": FRAMES, "rescaled": MODELS["rescaled"]}, X, y, cv=2, verbose=False)
    assert [w.filename for w in caught if w.category is LabelMarkerWarning] == [__file__]


@pytest.mark.parametrize(
    ("regressor", "n_streams", "told"),
    [
        (av.MultimodalTransformerRegressor, 50, True),
        (av.CrossAttentionRegressor, 11, True),
        (av.CrossAttentionRegressor, 10, False),
        (av.EarlyFusionRegressor, 50, False),
    ],
)
def test_many_streams_of_which_each_pair_is_compared(regressor, n_streams, told):
    X = av.as_sequences({f"s{k}": rows() for k in range(n_streams)})
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "(?s).*compares each of")
        if not told:
            regressor(**QUICK).fit(X, np.arange(4.0))
            return
        pairs = f"{n_streams} streams .*: {n_streams * (n_streams - 1)} ordered pairs"
        with pytest.raises(UserWarning, match=rf"{pairs}.*modalities=\['s0', 's1'\]"):
            regressor(**QUICK).fit(X, np.arange(4.0))
