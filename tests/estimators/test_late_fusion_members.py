"""Members of a late fusion: what they may be, which rows are theirs, and messages that name them."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge

import avfusion as av
from avfusion.estimators import _late_fusion_members as members
from avfusion.sequences._recordings import read_recordings

ONE, TWO = [[1.0]], [[1.0], [2.0]]
X = av.as_sequences({"audio": [TWO, None, ONE, None], "video": [TWO, ONE, None, None]}).assign(
    age=[1, 2, 3, 4]
)


def read(X, *y):
    return read_recordings(X, *y, caller="LateFusionRegressor")


DATA = read(X)
AUDIO = ("a", av.UnimodalRegressor(), ["audio"])
VIDEO = ("v", av.UnimodalRegressor(), ["video"])


class TestReading:
    def test_streams_are_looked_up_and_the_dropped_have_none(self):
        model = av.FrameRegressor()
        given = [("a", model, "audio"), ("all", model, None), ("d", "drop", None)]
        assert members.read_members(given, DATA) == [
            ("a", model, ["audio"]),
            ("all", model, ["audio", "video"]),
            ("d", "drop", []),
        ]

    @pytest.mark.parametrize(
        ("estimators", "message"),
        [
            ([], "estimators is empty"),
            ([("a", "drop", None)], "All estimators are dropped"),
            ([("a", Ridge())], r"list of \(name, estimator, modalities\)"),
            ("ridge", r"list of \(name, estimator, modalities\)"),
            ([("a", Ridge, None)], r"'a' is the class Ridge. Give an instance: Ridge\(...\)"),
            ([("a", LogisticRegression(), None)], "which is a classifier"),
            ([("a", KMeans(), None)], "which is a clusterer"),
            ([("a", "ridge", None)], "which is no regressor. Give a regressor.*'drop' to leave it out"),
            ([("a", Ridge(), "smell")], "smell"),
        ],
    )
    def test_what_is_no_member_is_named(self, estimators, message):
        with pytest.raises(ValueError, match=message):
            members.read_members(estimators, DATA)


class TestRows:
    def test_a_row_is_present_with_any_of_the_streams(self):
        assert members.present_rows(DATA, ["audio"]).tolist() == [True, False, True, False]
        assert members.present_rows(DATA, ["audio", "video"]).tolist() == [True, True, True, False]

    def test_a_row_is_predicted_by_any_member(self):
        assert members.predicted_rows(DATA, [AUDIO, VIDEO]).tolist() == [True, True, True, False]
        with pytest.raises(ValueError, match=r"No stream is present in row 3 \(index 3\)"):
            members.check_answerable(DATA, [AUDIO, VIDEO], read(X, [np.zeros(1)] * 4).targets.form)
        members.check_answerable(DATA, [AUDIO], read(X, [1.0] * 4).targets.form)  # a clip needs no length

    def test_a_member_sees_its_streams_and_all_metadata(self):
        assert members.view_of(DATA, ["video"], [0]).columns.tolist() == ["video", "age"]

    def test_labels_of_some_rows_keep_their_form(self):
        data = read(X[:3], [np.array([1.0, 2.0]), np.array([3.0]), np.array([4.0])])
        chosen = members.labels_of(data, np.array([0, 2]))
        assert [cell.tolist() for cell in chosen] == [[1.0, 2.0], [4.0]]

    def test_predictions_are_of_the_rows_that_have_a_stream(self):
        model = av.FrameRegressor().fit(X.iloc[[0, 2]][["audio"]], [3.0, 3.0])
        _, rows, found = members.predict_present(read(X[["audio", "age"]]), "a", model, ["audio"])
        assert rows.tolist() == [0, 2]
        np.testing.assert_allclose(found.values.ravel(), 3.0)
        _, rows, found = members.predict_present(DATA, "a", model, ["audio"], among=np.array([1, 3]))
        assert rows.size == 0
        assert found is None


class TestSomethingToFit:
    def test_a_stream_that_is_absent_everywhere(self):
        with pytest.raises(ValueError, match=r"Estimator 'a' has nothing to fit on: .*audio.* Drop it"):
            members.check_members_fit(read(X.iloc[[1]], [1.0]), [AUDIO], [])

    def test_labels_that_are_missing_where_the_stream_is_present(self):
        data = read(X, [np.nan, 1.0, np.nan, 1.0])
        with pytest.raises(ValueError, match=r"'a' has nothing to learn .* from: it is NaN in every row"):
            members.check_members_fit(data, [AUDIO], [])

    def test_a_fold_without_the_stream(self):
        folds = [(np.array([1, 3]), np.array([0, 2])), (np.array([0, 2]), np.array([1, 3]))]
        with pytest.raises(ValueError, match="nothing to fit on in inner fold 1 of 2"):
            members.check_members_fit(read(X, [1.0] * 4), [AUDIO], folds)

    def test_what_can_be_fitted_passes(self):
        members.check_members_fit(read(X, [1.0] * 4), [AUDIO, VIDEO], [])
