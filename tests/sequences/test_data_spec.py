import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from avfusion.sequences import as_targets
from avfusion.sequences._data_spec import DataSpec, RegressorFittedToData

SPEC = DataSpec({"audio": 3, "video": 2, "text": 5}, {"audio": None, "video": 25.0, "text": 2.0}, n_columns=4)


def test_the_rate_is_that_of_the_streams_in_step():
    assert DataSpec(SPEC.widths, SPEC.rates_hz, 4, in_step=("audio", "video")).rate_hz == 25.0
    assert DataSpec(SPEC.widths, SPEC.rates_hz, 4, in_step=("audio",)).rate_hz is None
    assert SPEC.rate_hz is None


def test_predictions_are_on_the_scale_and_in_the_form_of_the_labels():
    labels = np.array([1.0, 3.0, 8.0])
    targets = as_targets([labels[:2], labels[2:]])
    mean, scale = np.array([labels.mean()]), np.array([labels.std()])
    spec = DataSpec({"a": 1}, {"a": None}, 1, target_form=targets.form, target_mean=mean, target_scale=scale)
    scaled = spec.scaled(targets.values)
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-12)
    back = spec.predictions(scaled, np.array([2, 1]))
    np.testing.assert_allclose(np.concatenate(list(back)), labels)


def test_fitted_attributes_come_from_the_spec_and_are_absent_before():
    class Estimator(RegressorFittedToData, BaseEstimator):
        pass

    names = ("modalities_", "n_features_in_", "feature_names_in_", "rate_hz_", "target_form_", "target_mean_")
    estimator = Estimator()
    assert not any(hasattr(estimator, name) for name in names)
    estimator.spec_ = SPEC
    assert estimator.modalities_ == {"audio": 3, "video": 2, "text": 5}
    assert estimator.n_features_in_ == 4
    assert not hasattr(estimator, "feature_names_in_")
    with pytest.raises(AttributeError):
        estimator.rate_hz_ = 1.0


def test_what_has_a_spec_is_fitted():
    class Estimator(RegressorFittedToData, BaseEstimator):
        def fit(self, X):
            return self

    estimator = Estimator()
    estimator.half_ = 1  # as of a fit that failed on its way
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    estimator.spec_ = SPEC
    check_is_fitted(estimator)
