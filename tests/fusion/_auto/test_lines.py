"""Lines that bring predictions to the scale of a score."""

import numpy as np
import pytest

from avfusion.fusion._auto._lines import matched_line, regressed_line


def correlated(n=400, n_targets=2, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.normal(3.0, 2.0, (n, n_targets))
    return labels, 0.4 * labels + rng.normal(0, 1, labels.shape)


def test_the_line_of_many_groups_is_that_of_least_squares():
    labels, predictions = correlated(n_targets=1)
    slope, offset = np.polyfit(predictions[:, 0], labels[:, 0], 1)
    found = regressed_line(labels, predictions, n_groups=10**9)
    np.testing.assert_allclose([float(part[0]) for part in found], [slope, offset], rtol=1e-5)


def test_weights_count_as_repeated_labels():
    labels, predictions = correlated(50, 1)
    counts = np.arange(50) % 3
    repeated = [np.repeat(part, counts, axis=0) for part in (labels, predictions)]
    expected = regressed_line(*repeated, n_groups=20, spread=np.array([2.0]))
    found = regressed_line(labels, predictions, counts[:, None].astype(float), 20, np.array([2.0]))
    np.testing.assert_allclose(found, expected)
    found, expected = (
        matched_line(labels, predictions, counts[:, None].astype(float)),
        matched_line(*repeated),
    )
    np.testing.assert_allclose(found, expected)


def test_a_target_without_groups_of_its_own_gets_the_slope_of_all():
    labels, predictions = correlated()
    labels[:, 1] = np.random.default_rng(1).normal(size=len(labels))  # nothing to be known of the second
    few, many = (regressed_line(labels, predictions, n_groups=n)[0] for n in (3, 10**9))
    assert np.ptp(few) < 0.2 * np.ptp(many)
    assert (few <= 2).all()
    assert many[1] == pytest.approx(0.1, abs=0.05)


def test_few_groups_change_predictions_little():
    labels, predictions = correlated(n_targets=1)
    scale, offset = regressed_line(labels + 100, predictions, n_groups=1)
    at_mean = float(scale[0] * predictions.mean() + offset[0])
    assert at_mean < predictions.mean() + 100 / 5  # the mean moves a tenth of the way
    assert abs(float(scale[0]) - 1) < 0.2


def test_matched_predictions_have_the_moments_of_the_labels_where_both_are_known():
    labels, predictions = correlated()
    labels[:50], predictions[-50:] = np.nan, np.nan
    scale, offset = matched_line(labels, predictions)
    lined = (predictions * scale + offset)[50:-50]
    np.testing.assert_allclose(lined.mean(axis=0), labels[50:-50].mean(axis=0))
    np.testing.assert_allclose(lined.std(axis=0), labels[50:-50].std(axis=0))


def test_constant_predictions_keep_their_scale():
    labels = np.array([[0.0], [2.0]])
    scale, offset = matched_line(labels, np.full((2, 1), 5.0))
    assert (scale[0], offset[0]) == (1.0, -4.0)
    scale, _ = regressed_line(labels, np.full((2, 1), 5.0))
    assert scale[0] == pytest.approx(1.0)
