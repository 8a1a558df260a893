"""DataFrames that a tool made an array of: columns are rebuilt from their cells, and named by position."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.sequences._cell_arrays import frame_of_cells, is_cell_array

pytestmark = pytest.mark.filterwarnings("error")
LENGTHS = (5, 9, 7, 8)


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    frame = av.as_sequences(
        {
            "audio": [rng.normal(size=(n, 3)).astype("float32") for n in LENGTHS],
            "video": [None if n == 7 else rng.normal(size=(n, 2)) for n in LENGTHS],
        },
        rate_hz=2.0,
        start_s={"audio": [0.0, 1.0, 2.0, 3.0], "video": [0.0, 1.0, 2.0, 3.0]},
    )
    return frame.assign(subject=["a", "b", "a", "b"], age=[31, 27, 31, 27])


@pytest.fixture
def y():
    return np.array([0.1, 0.4, 0.2, 0.9])


def network(**parameters):
    return av.EarlyFusionRegressor(hidden_size=4, max_epochs=2, random_state=0, **parameters)


def test_columns_come_back_as_they_were(X):
    back = frame_of_cells(X.to_numpy())
    assert back.columns.tolist() == ["x0", "x1", "x2", "x3"]
    for name, column in zip(X, back):
        assert back[column].tolist() == X[name].tolist() or back[column].array.equals(X[name].array)
    assert back["x0"].dtype == X["audio"].dtype
    assert back["x1"].array.starts_s.tolist()[:2] == [0.0, 1.0]
    assert back["x3"].dtype == np.int64
    assert av.as_sequences(X.to_numpy())["x0"].array.equals(X["audio"].array)


def test_times_and_features_of_cells_are_kept():
    cells = np.empty((2, 1), dtype=object)
    for row, times in enumerate(([0.0, 0.7], [1.0, 1.2, 4.0])):
        cells[row, 0] = av.Sequence(np.ones((len(times), 2)), times_s=times, features=["rms", "pitch"])
    column = frame_of_cells(cells)["x0"].array
    assert column.features == ("rms", "pitch")
    assert column[1].times_s[:, 0].tolist() == [1.0, 1.2, 4.0]


def test_what_is_no_array_of_cells():
    assert not is_cell_array(np.array([[1, "a"]], dtype=object))
    assert not is_cell_array(np.zeros((2, 2)))
    assert not is_cell_array([[av.Sequence([1.0])]])


def test_one_step_in_every_row_is_still_a_sequence(y):
    X = av.as_sequences({"audio": [[[k, 1.0]] for k in range(4)], "video": [[[k * k]] for k in range(4)]})
    model, named = av.FrameRegressor().fit(X.to_numpy(), y), av.FrameRegressor().fit(X, y)
    assert model.modalities_ == {"x0": 2, "x1": 1}
    np.testing.assert_array_equal(model.predict(X.to_numpy()), named.predict(X))


def test_an_estimator_finds_the_same_as_with_the_DataFrame(X, y):
    by_name, by_position = network().fit(X, y), network().fit(X.to_numpy(), y)
    np.testing.assert_array_equal(by_position.predict(X.to_numpy()), by_name.predict(X))
    assert by_position.n_features_in_ == 4
    assert not hasattr(by_position, "feature_names_in_")
    held_out = network(early_stopping=True, validation_fraction=0.5, validation_groups="x2")
    by_group = network(early_stopping=True, validation_fraction=0.5, validation_groups="subject")
    expected = by_group.fit(X, y).predict(X)
    np.testing.assert_array_equal(held_out.fit(X.to_numpy(), y).predict(X.to_numpy()), expected)


def test_names_on_one_side_only_go_by_position_and_warn_as_in_scikit_learn(X, y):
    by_name, by_position = network().fit(X, y), network().fit(X.to_numpy(), y)
    expected = by_name.predict(X)
    with pytest.warns(UserWarning, match="does not have valid feature names, but EarlyFusionRegressor was"):
        np.testing.assert_array_equal(by_name.predict(X.to_numpy()), expected)
    with pytest.warns(UserWarning, match="X has feature names, but EarlyFusionRegressor was fitted without"):
        np.testing.assert_array_equal(by_position.predict(X), expected)
    with pytest.raises(ValueError, match="X has 2 columns, but EarlyFusionRegressor is expecting 4"):
        by_position.predict(X[["audio", "video"]])


def test_rows_without_any_stream(X, y):
    model = network().fit(X.to_numpy(), y)
    absent = X.to_numpy()[:2].copy()
    absent[:, :2] = None
    expected = network().fit(X, y).predict(X.iloc[:2].assign(audio=None, video=None))
    np.testing.assert_array_equal(model.predict(absent), expected)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (av.FrameRegressor(modalities=["audio"]), "no modality 'audio'.*named by position, x0, x1"),
        (av.UnimodalRegressor("audio", max_epochs=1), "no modality 'audio'.*named by position, x0, x1"),
        (network(early_stopping=True, validation_groups="subject"), "no column of X.*named by position"),
    ],
    ids=["modalities", "modality", "groups"],
)
def test_names_that_were_lost_are_told(X, y, estimator, message):
    with pytest.raises(ValueError, match=message) as caught:
        estimator.fit(X.to_numpy(), y)
    assert len(str(caught.value)) <= 320


def test_mixed_columns_and_widths_are_located(X, y):
    mixed = X.to_numpy()
    mixed[1, 0] = "text"
    with pytest.raises(TypeError, match="column 'x0': In row 1"):
        av.FrameRegressor().fit(mixed, y)
    mixed[1, 0] = av.Sequence(np.ones((9, 4)))
    with pytest.raises(ValueError, match="column 'x0': The sequence in row 1 has 4 features per step"):
        av.FrameRegressor().fit(mixed, y)


def test_arrays_of_numbers_stay_tables(y):
    table = np.arange(8, dtype=object).reshape(4, 2)
    np.testing.assert_allclose(
        av.FrameRegressor().fit(table, y).predict(table),
        av.FrameRegressor().fit(table.astype(float), y).predict(table.astype(float)),
    )
    model = network().fit(pd.DataFrame({"audio": av.as_sequences([[[1.0]]] * 4)["features"]}), y)
    with pytest.raises(ValueError, match="fitted on the sequence columns 'audio', but X has none"):
        model.predict(np.ones((4, 1)))
