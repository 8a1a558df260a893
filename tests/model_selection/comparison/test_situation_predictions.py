"""Closed forms against the estimators, fitted fold by fold."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, LeaveOneGroupOut

import avfusion as av
from avfusion.model_selection.comparison._situation_columns import factors_of
from avfusion.model_selection.comparison._situation_predictions import situation_predictions
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import with_weights


def study(per_frame=True, n_targets=1):
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 9, size=20)
    X = av.as_sequences({"pulse": [rng.normal(size=(n, 1)) for n in lengths]})
    X = X.assign(video=rng.integers(0, 4, 20), subject=np.repeat(np.arange(5), 4))
    y = [rng.normal(size=(n, n_targets)) for n in lengths] if per_frame else rng.normal(size=(20, n_targets))
    y[3][0] = np.nan
    return X, y


ESTIMATORS = {
    "one constant": av.StimulusMeanRegressor(by=None),
    "position in time": av.TimeCourseRegressor(),
    "one constant per video": av.StimulusMeanRegressor(),
    "one curve per video": av.StimulusMeanRegressor(per_step=True),
    "one constant per subject": av.PersonMeanRegressor(),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("per_frame", "n_targets"), [(True, 1), (True, 2), (False, 2)])
def test_they_predict_what_the_estimators_do(per_frame, n_targets, weighted):
    X, y = study(per_frame, n_targets)
    weights = np.random.default_rng(1).integers(0, 3, 20).astype(float) if weighted else None
    targets = with_weights(as_targets(y), weights)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    found = {one.name: one for one in situation_predictions(targets, folds, factors_of("auto", X))}
    names = set(ESTIMATORS) - (set() if per_frame else {"position in time", "one curve per video"})
    assert set(found) == names | {"one constant per video and subject, added"}
    for name in names:
        for train, test in folds:
            own = {} if weights is None else {"sample_weight": weights[train]}
            labels = [y[row] for row in train] if per_frame else y[train]
            model = ESTIMATORS[name].fit(X.iloc[train], labels, **own)
            expected = as_targets(model.predict(X.iloc[test])).values
            labelled = ~np.isnan(targets.take(test).values)
            values = found[name].predictions.take(test).values
            np.testing.assert_allclose(values[labelled], expected[labelled], rtol=0, atol=1e-8)


def test_what_is_new_in_all_test_rows_is_left_out():
    X, y = study()
    folds = list(LeaveOneGroupOut().split(X, groups=X["subject"]))
    names = [one.name for one in situation_predictions(as_targets(y), folds, factors_of("auto", X))]
    assert names == ["one constant", "position in time", "one constant per video", "one curve per video"]


def test_stimulus_and_person_add_up():
    """Labels that are exactly a sum are predicted for pairs that training has not seen."""
    X, _ = study(per_frame=False)
    y = 10.0 * X["video"].to_numpy() + X["subject"].to_numpy()
    folds = list(KFold(10).split(X))
    found = {one.name: one for one in situation_predictions(as_targets(y), folds, factors_of("auto", X))}
    errors = {name: np.abs(one.predictions.values[:, 0] - y).mean() for name, one in found.items()}
    both = errors.pop("one constant per video and subject, added")
    assert both < 0.5 * min(errors.values())


def test_rows_that_are_never_tested_have_no_prediction():
    X, y = study()
    found = situation_predictions(as_targets(y), [(np.arange(10), np.arange(10, 15))], factors_of("auto", X))
    for one in found:
        rows = np.unique(one.predictions.row_of_value[~np.isnan(one.predictions.values[:, 0])])
        assert rows.tolist() == [10, 11, 12, 13, 14]
