"""Regressors that look at no feature take every form of data."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.sequences._targets import as_targets

MODELS = [av.StimulusMeanRegressor(), av.PersonMeanRegressor(), av.TimeCourseRegressor()]
by_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def recordings():
    rng = np.random.default_rng(0)
    cells = {"audio": [rng.normal(size=(n, 2)) for n in (6, 9, 7, 8)]}
    X = av.as_sequences(cells).assign(video=["a", "b", "a", "b"], subject=[1, 1, 2, 2])
    return X, [rng.normal(size=n) for n in (6, 9, 7, 8)]


@by_model
def test_features_do_not_matter(model):
    X, y = recordings()
    other = av.as_sequences({"audio": [np.full((n, 2), np.nan) for n in (6, 9, 7, 8)]})
    other = other.assign(video=X["video"], subject=X["subject"])
    first, second = (as_targets(model.fit(data, y).predict(data)).values for data in (X, other))
    np.testing.assert_array_equal(first, second)


@by_model
def test_without_such_columns_a_clip_gets_the_mean(model):
    X = np.random.default_rng(0).normal(size=(5, 3))
    assert model.fit(X, np.arange(5.0)).predict(X).tolist() == [2.0] * 5


@by_model
def test_streams_that_are_longer_than_the_labels_decide_nothing(model):
    X, y = recordings()
    X["video_stream"] = av.as_sequences({"v": [np.zeros((40, 1))] * 4})["v"]
    assert [len(cell) for cell in model.fit(X, y).predict(X)] == [6, 9, 7, 8]


@by_model
def test_the_mean_is_that_of_labels_that_count(model):
    X, y = recordings()
    y[0][:3] = np.nan
    weights = [np.ones(6), np.zeros(9), np.full(7, 2.0), np.ones(8)]
    model.fit(X, y, sample_weight=weights)
    kept = ~np.isnan(np.concatenate(y))
    expected = np.average(np.concatenate(y)[kept], weights=np.concatenate(weights)[kept])
    np.testing.assert_allclose(model.mean_, [expected])


def test_a_table_with_texts_needs_no_other_column():
    X = pd.DataFrame({"video": list("aabb")})
    model = av.StimulusMeanRegressor().fit(X, [1.0, 3.0, 5.0, 7.0])
    assert model.predict(X).tolist() == [2.0, 2.0, 6.0, 6.0]


@pytest.mark.parametrize("model", [*MODELS, av.StimulusMeanRegressor(per_step=True)])
def test_skops_needs_no_other_types(model):
    skops = pytest.importorskip("skops.io")
    X, y = recordings()
    data = skops.dumps(model.fit(X, y))
    assert set(skops.get_untrusted_types(data=data)) <= set(av.skops_types())
    again = skops.loads(data, trusted=av.skops_types())
    np.testing.assert_array_equal(as_targets(again.predict(X)).values, as_targets(model.predict(X)).values)
