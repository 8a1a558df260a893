"""Steps that bring streams to the rate of the labels."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.fusion._auto._time_steps import in_step, linear, time_steps
from avfusion.sequences import as_targets


def test_steps_leave_as_many_as_there_are_labels():
    X, y = av.datasets.make_audiovisual_regression(4, audio_rate_hz=10, video_rate_hz=4, random_state=0)
    steps = time_steps(X, as_targets(y), (0.1, 5))
    assert steps[1].widths_s == (5,)  # less than a step is left out
    out = make_pipeline(*steps).fit_transform(X)
    assert out["audio"].array.lengths.tolist() == y.array.lengths.tolist()
    assert in_step(out, as_targets(y))
    assert not in_step(X, as_targets(y))


def test_unknown_rates_are_asked_for_unless_all_is_in_step():
    X = av.as_sequences({"audio": [np.zeros((4, 1))], "video": [np.zeros((2, 1))]})
    with pytest.raises(ValueError, match="the rate of 'audio', 'video', labels is unknown"):
        time_steps(X, as_targets([np.zeros(4)]), (1,))
    assert time_steps(X[["audio"]], as_targets([np.zeros(4)]), (1,)) == []


def test_absent_streams_do_not_count_as_out_of_step():
    X = av.as_sequences({"audio": [np.zeros((4, 1)), None], "video": [None, np.zeros((2, 1))]})
    assert in_step(X, as_targets([1.0, 2.0]))


def test_linear_takes_what_was_not_observed():
    table = np.array([[0.0, np.nan], [1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    model = linear(Ridge(1e-6)).fit(table, [0.0, 2.0, 4.0, 2.0])
    np.testing.assert_allclose(model.predict(table), [0, 2, 4, 2], atol=1e-4)
