from pathlib import Path

import audmetric
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import sklearn.metrics
import torch
import torchmetrics.functional.regression as torch_metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as np_arrays

from avfusion.metrics import (
    ccc_score,
    mean_absolute_error,
    pcc_score,
    root_mean_squared_error,
    sagr_score,
)
from avfusion.sequences._array import SequenceArray

ALL = [ccc_score, pcc_score, sagr_score, root_mean_squared_error, mean_absolute_error]
GOLDEN = np.load(Path(__file__).with_name("golden_ccc.npz"))
CASES = sorted({key.split(".")[0] for key in GOLDEN.files})
LENGTHS = (7, 4, 12)


def pair(n=200, seed=0, width=None):
    rng = np.random.default_rng(seed)
    shape = n if width is None else (n, width)
    true = rng.normal(0.2, 0.5, size=shape)
    return true, 0.6 * true + rng.normal(0.1, 0.3, size=shape)


def split(values, lengths=LENGTHS):
    return np.split(values, np.cumsum(lengths)[:-1])


def sequences(cells, width):
    return SequenceArray.from_sequences(cells, dtype="float64", width=width)


def by_definition_ccc(true, pred):
    """Lin (1989), with scipy's and numpy's moments."""
    if np.ptp(true) == 0 or np.ptp(pred) == 0:
        return 0.0
    cov = np.cov(true, pred, bias=True)
    return 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + (true.mean() - pred.mean()) ** 2)


@pytest.mark.parametrize("seed", range(3))
def test_against_other_libraries(seed):
    true, pred = pair(seed=seed)
    assert ccc_score(true, pred) == pytest.approx(audmetric.concordance_cc(true, pred), abs=1e-12)
    assert pcc_score(true, pred) == pytest.approx(scipy.stats.pearsonr(true, pred).statistic, abs=1e-12)
    assert pcc_score(true, pred) == pytest.approx(audmetric.pearson_cc(true, pred), abs=1e-12)
    torch_pcc = torch_metrics.pearson_corrcoef(torch.tensor(pred), torch.tensor(true))
    assert pcc_score(true, pred) == pytest.approx(float(torch_pcc), abs=1e-8)
    assert root_mean_squared_error(true, pred) == pytest.approx(
        sklearn.metrics.root_mean_squared_error(true, pred), abs=1e-12
    )
    assert mean_absolute_error(true, pred) == pytest.approx(
        sklearn.metrics.mean_absolute_error(true, pred), abs=1e-12
    )
    assert sagr_score(true, pred) == sklearn.metrics.accuracy_score(true > 0, pred > 0)


def test_ccc_against_torchmetrics_which_takes_moments_of_n_minus_one():
    true, pred = pair(n=50)
    n = len(true)
    unbiased = float(torch_metrics.concordance_corrcoef(torch.tensor(pred), torch.tensor(true)))
    cov, gap = np.cov(true, pred), (true.mean() - pred.mean()) ** 2
    assert unbiased == pytest.approx(2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + gap), abs=1e-8)
    ratio = (n - 1) / n
    expected = unbiased * (cov[0, 0] + cov[1, 1] + gap) / (cov[0, 0] + cov[1, 1] + gap / ratio)
    assert ccc_score(true, pred) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_ccc_of_the_published_evaluation_code(case):
    pred, true, expected = (GOLDEN[f"{case}.{key}"] for key in ("x", "y", "metric"))
    expected = 0.0 if np.isnan(expected) else float(expected)  # 0 / 0 where something is constant
    assert ccc_score(true.ravel(), pred.ravel()) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("score", [ccc_score, pcc_score])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 + 0.1])
def test_constants_give_zero_not_nan(score, value):
    true = pair(n=31)[0]
    constant = np.full(31, value)
    assert score(true, constant) == 0.0
    assert score(constant, true) == 0.0
    assert score(constant, constant) == 0.0
    assert score(true, constant * (1 + np.tile([0, 1e-16, 2e-16], 11)[:31])) == pytest.approx(0, abs=1e-12)
    assert score([0.3], [0.2]) == 0.0


@pytest.mark.parametrize("score", [ccc_score, pcc_score])
def test_large_offsets_lose_no_accuracy(score):
    true, pred = pair()
    shifted = score(true + 2.0**26, pred + 2.0**26)  # a power of two: the shift itself rounds to 1e-8
    assert shifted == pytest.approx(score(true, pred), abs=1e-7)


@given(
    np_arrays(np.float64, 20, elements=st.floats(-100, 100)),
    np_arrays(np.float64, 20, elements=st.floats(-100, 100)),
)
@settings(max_examples=80, deadline=None)
def test_properties_of_ccc(true, pred):
    ccc, pcc = ccc_score(true, pred), pcc_score(true, pred)
    assert abs(ccc) <= abs(pcc) + 1e-9
    assert -1 <= pcc <= 1
    assert ccc == pytest.approx(ccc_score(pred, true), abs=1e-12)
    if np.ptp(true) > 1e-3 and np.ptp(pred) > 1e-3:
        assert ccc == pytest.approx(by_definition_ccc(true, pred), abs=1e-9)


def test_sign_agreement_takes_zero_for_a_sign_of_its_own():
    assert sagr_score([0.0, 0.0, 0.5, -0.5], [0.0, 0.1, 0.0, -2.0]) == 0.5


FORMS = {
    "list of (T, K)": lambda values: split(values),
    "object array": lambda values: np.array([*split(values), None], dtype=object)[:-1],
    "Series": lambda values: pd.Series(sequences(split(values), 2)),
    "DataFrame": lambda values: pd.DataFrame(
        {"a": sequences(split(values[:, :1]), 1), "b": sequences(split(values[:, 1:]), 1)}
    ),
    "what cross_val_predict makes of a DataFrame": lambda values: np.asarray(
        FORMS["DataFrame"](values), object
    ),
    "per clip array": lambda values: values,
    "per clip DataFrame": lambda values: pd.DataFrame(values, columns=["a", "b"]),
    "per clip list": lambda values: values.tolist(),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("score", ALL)
def test_every_form_of_y_scores_the_same(name, score):
    true, pred = pair(sum(LENGTHS), width=2)
    expected = np.array([score(true[:, k], pred[:, k]) for k in range(2)])
    raw = score(FORMS[name](true), FORMS[name](pred), multioutput="raw_values")
    np.testing.assert_allclose(raw, expected, rtol=1e-12)
    assert score(FORMS[name](true), FORMS[name](pred)) == pytest.approx(expected.mean())
    weighted = score(FORMS[name](true), FORMS[name](pred), multioutput=[3, 1])
    assert weighted == pytest.approx((3 * expected[0] + expected[1]) / 4)


@pytest.mark.parametrize("score", ALL)
def test_mixed_forms_of_labels_and_predictions(score):
    true, pred = pair(sum(LENGTHS), width=2)
    assert score(FORMS["DataFrame"](true), FORMS["list of (T, K)"](pred)) == pytest.approx(score(true, pred))


@pytest.mark.parametrize("score", ALL)
def test_unlabelled_frames_and_rows_are_left_out(score):
    true, pred = pair(20)
    expected = score(true, pred)
    cells = [np.append(true[:8], np.nan), None, true[8:], np.full(2, np.nan)]
    predictions = [np.append(pred[:8], np.nan), np.ones(5), pred[8:], np.ones(2)]
    assert score(cells, predictions) == pytest.approx(expected, abs=1e-12)
    by_row = score(cells, predictions, average="row")
    assert by_row == pytest.approx((score(true[:8], pred[:8]) + score(true[8:], pred[8:])) / 2, abs=1e-12)
    assert score(np.append(true, np.nan), np.append(pred, 7.0)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("score", ALL)
def test_rows_average_per_target(score):
    true, pred = pair(sum(LENGTHS), width=2)
    true[:7, 1] = np.nan  # the first row has no label of the second target
    rows = list(zip(split(true), split(pred)))
    expected = [
        np.mean([score(t[:, 0], p[:, 0]) for t, p in rows]),
        np.mean([score(t[:, 1], p[:, 1]) for t, p in rows[1:]]),
    ]
    raw = score(split(true), split(pred), average="row", multioutput="raw_values")
    np.testing.assert_allclose(raw, expected, rtol=1e-12)


ROWS = [np.zeros(2), np.ones(3)]


@pytest.mark.parametrize(
    ("true", "pred", "options", "message"),
    [
        (ROWS, [np.zeros(2), np.ones(4)], {}, "y_true has 3 labels in row 1 but y_pred has 4"),
        (ROWS, [np.zeros(2), None], {}, "y_true has 3 labels in row 1 but y_pred has 0"),
        (ROWS, ROWS[:1], {}, "y_true has 2 rows, but y_pred has 1"),
        (ROWS, [0.0, 1.0], {}, "labels per frame, but y_pred has predictions per clip"),
        (np.ones((3, 2)), np.ones((3, 1)), {}, "y_true has 2 targets, but y_pred has 1"),
        (ROWS, [np.zeros(2), np.array([1.0, np.nan, np.nan])], {}, r"NaN where .* label: row 1.*\(2 such"),
        ([1.0, 2.0], [1.0, np.nan], {}, "y_pred is NaN where there is a label: row 1"),
        (pd.Series([0.5, 2.0], ["a", "b"]), [1.0, np.nan], {}, r"row 1 \(index 'b'\), 'target'"),
        ([1.0, 2.0], [1.0, np.inf], {}, "y_pred contains infinity"),
        ([np.nan, np.nan], [1.0, 2.0], {}, "no label at all for 'target'"),
        ([1.0, 2.0], [1.0, 2.0], {"average": "row"}, "average='row' needs labels per frame"),
        (ROWS, ROWS, {"average": "rows"}, "average must be 'pooled' or 'row', not 'rows'"),
        (ROWS, ROWS, {"multioutput": "mean"}, "multioutput must be 'uniform_average'.* not 'mean'"),
        (ROWS, ROWS, {"multioutput": [1, 2]}, "multioutput has 2 weights for 1 targets"),
        (ROWS, ROWS, {"multioutput": [0]}, "multioutput is .*0 or more, and one is more"),
        (ROWS, ROWS, {"multioutput": [np.nan]}, "multioutput is .*nan.*use 0 for a target"),
        (ROWS, ROWS, {"multioutput": [-1]}, "multioutput is .*0 or more"),
        (ROWS, ROWS, {"multioutput": np.ma.array([1.0], mask=[True])}, "multioutput is .*nan"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(true, pred, options, message):
    with pytest.raises(ValueError, match=message):
        ccc_score(true, pred, **options)


@pytest.mark.parametrize("scale", [1e307, 1e-300])
@pytest.mark.parametrize("score", ALL)
def test_only_ratios_of_weights_matter_however_large_they_are(score, scale):
    true, pred = pair(width=2)
    weight = np.random.default_rng(1).uniform(0.1, 2.0, size=true.shape)
    expected = score(true, pred, sample_weight=weight, multioutput="raw_values")
    found = score(true, pred, sample_weight=weight * scale, multioutput="raw_values")
    np.testing.assert_allclose(found, expected, rtol=1e-12)
