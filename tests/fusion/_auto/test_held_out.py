"""Held-out predictions of all candidates in one array."""

import numpy as np
import pytest

import avfusion as av
from avfusion.fusion._auto._candidates import Candidate
from avfusion.fusion._auto._held_out import constant, held_out_of, stacked
from avfusion.fusion._auto._runs import Tried
from avfusion.sequences import as_targets
from avfusion.sequences._recordings import read_recordings

NOTHING = np.empty(0, dtype=int)


def clips():
    """Five clips; the third has no video, the fourth no stream, the fifth no label."""
    streams = {"audio": [[1.0], [1.0], [1.0], None, [1.0]], "video": [[1.0], [1.0], None, None, [1.0]]}
    return read_recordings(streams, [1.0, 2.0, 3.0, 4.0, np.nan], caller="AutoFusionRegressor")


FOLDS = [(np.array([2, 3, 4]), np.array([1, 0])), (np.array([0, 1]), np.array([2, 3, 4]))]


def tried():
    first = [("a", np.array([0, 1]), as_targets([10.0, 20.0])), ("a", np.array([2]), as_targets([30.0]))]
    second = [("v", np.array([0, 1]), as_targets([30.0, 40.0])), ("v", NOTHING, None)]
    mean = Candidate("mean", None, ["audio", "video"], mean_of=("a", "v"))
    return [
        Tried(Candidate("a", None, ["audio"]), first),
        Tried(Candidate("v", None, ["video"]), second),
        Tried(mean, []),
    ]


def test_constant_then_candidates_then_their_mean():
    found = held_out_of(clips(), tried(), FOLDS, np.array(list("xyzzz")))
    nan = np.nan
    expected = [[3.5, 3.5, 1.5], [10, 20, 30], [30, 40, nan], [20, 30, 30]]
    np.testing.assert_array_equal(found.predicted[:, :, 0], expected)
    assert found.labels.ravel().tolist() == [1.0, 2.0, 3.0]
    assert found.groups.tolist() == [0, 1, 2]
    assert found.folds.tolist() == [0, 0, 1]
    assert found.n_groups == 3


def test_weights_go_along_and_move_the_constant():
    streams = {"audio": [[1.0]] * 4}
    data = read_recordings(
        streams, [1.0, 2.0, 3.0, 9.0], sample_weight=[1.0, 3.0, 1.0, 0.0], caller="AutoFusionRegressor"
    )
    folds = [(np.array([0, 1, 3]), np.array([2]))]
    one = Tried(Candidate("a", None, ["audio"]), [("a", np.array([2]), as_targets([5.0]))])
    found = held_out_of(data, [one], folds, None)
    assert found.predicted[0].item() == pytest.approx(7 / 4)
    assert found.weights.item() == 1.0


def test_a_target_without_labels_in_a_fold_has_the_mean_of_all():
    targets = as_targets([[1.0, np.nan], [3.0, 8.0]])
    assert constant(targets, [0]).tolist() == [2.0, 8.0]
    assert constant(targets, [1]).tolist() == [3.0, 8.0]


def test_a_wrong_number_of_frames_is_refused():
    X = av.as_sequences({"audio": [np.zeros((3, 1)), np.zeros((3, 1))]})
    data = read_recordings(X, [np.zeros(3), np.zeros(3)], caller="AutoFusionRegressor")
    one = Tried(Candidate("a", None, ["audio"]), [("a", np.array([1]), as_targets([np.zeros(2)]))])
    with pytest.raises(ValueError, match=r"predict 2 frames for row 1 \(index 1\), which has 3 labels"):
        held_out_of(data, [one], [(np.array([0]), np.array([1]))], None)


def test_candidates_that_were_not_fitted_are_nan():
    data, candidates = clips(), [one.candidate for one in tried()]
    given = {"v": ("v", np.array([0]), as_targets([7.0]))}
    predicted, lengths = stacked(given, candidates, np.array([0.5]), data, data.targets.form)
    np.testing.assert_array_equal(predicted[:, :, 0], [[0.5], [np.nan], [7.0], [7.0]])
    assert lengths.tolist() == [1, 0, 0, 0, 0]
