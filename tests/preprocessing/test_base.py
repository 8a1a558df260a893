"""Reading of X by transformers, and the form in which they give it back."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import avfusion as av
from avfusion.preprocessing._base import StreamTransformer, blocks, present_lengths


class Doubled(StreamTransformer):
    def _change(self, streams):
        return {
            name: streams.open(name).with_frames(2 * streams.open(name).frames) for name in streams.columns
        }


@pytest.fixture
def X():
    cells = {"audio": [[[1.0, 2.0]], None], "video": [[[3.0]], [[4.0], [5.0]]]}
    return av.as_sequences(cells, rate_hz=2.0).assign(subject=["a", "b"]).set_axis(["x", "y"])


def test_a_frame_comes_back_with_index_metadata_and_order(X):
    answer = Doubled().fit_transform(X)
    assert answer.columns.tolist() == ["audio", "video", "subject"]
    assert answer.index.tolist() == ["x", "y"]
    assert answer["video"]["y"].frames.ravel().tolist() == [8.0, 10.0]
    assert answer["audio"].isna().tolist() == [False, True]
    assert X["video"]["y"].frames.ravel().tolist() == [4.0, 5.0]
    pd.testing.assert_series_equal(answer["subject"], X["subject"])


def test_a_2d_array_comes_back_as_one(X):
    model = Doubled().fit([[1.0, 2.0]])
    np.testing.assert_array_equal(model.transform([[3.0, 4.0]]), [[6.0, 8.0]])
    assert model.get_feature_names_out().tolist() == ["x0", "x1"]
    framed = Doubled().set_output(transform="pandas").fit_transform(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    pd.testing.assert_frame_equal(framed, pd.DataFrame({"a": [2.0], "b": [4.0]}))


def test_widths_and_rates_are_remembered(X):
    model = Doubled().fit(X)
    assert model.modalities_ == {"audio": 2, "video": 1}
    assert model.spec_.rates_hz == {"audio": 2.0, "video": 2.0}
    assert model.get_feature_names_out().tolist() == ["audio", "video", "subject"]
    model.transform(X.drop(columns="subject"))  # metadata are free to differ


def test_other_streams_than_in_fit_are_named(X):
    model = Doubled().fit(X)
    with pytest.raises(ValueError, match=r"Doubled was not fitted on: .*text"):
        model.transform(X.assign(text=X["video"]))
    with pytest.raises(ValueError, match="audio"):
        model.transform(X.assign(audio=X["video"]))
    with pytest.raises(NotFittedError):
        Doubled().transform(X)


def test_infinite_features_are_named(X):
    X["video"] = X["video"].array.with_frames(np.array([[3.0], [np.inf], [5.0]], dtype=np.float32))
    with pytest.raises(ValueError, match="video"):
        Doubled().fit_transform(X)


def test_a_missing_row_has_no_frames():
    column = av.sequences.SequenceArray.from_packed(np.arange(3.0)[:, None], np.array([2, -1, 0, 1]), 5.0)
    assert [None if cell is pd.NA else cell.frames.ravel().tolist() for cell in column] == [
        [0, 1],
        None,
        [],
        [2],
    ]
    assert present_lengths(column).tolist() == [2, 0, 0, 1]
    assert column.rate_hz == 5.0


@pytest.mark.parametrize(("n", "width"), [(0, 3), (10, 1), (7, 10**9), (300_000, 40)])
def test_blocks_cover_everything_once(n, width):
    cut = blocks(n, width)
    assert [begin for begin, _ in cut] == [0, *(end for _, end in cut[:-1])][: len(cut)]
    assert (cut[-1][1] if cut else 0) == n


@pytest.mark.parametrize("transformer", [av.Align(), av.AddContext(widths_s=(1, 2)), Doubled()], ids=repr)
def test_nested_lists_have_the_rate_of_fit(transformer, X):
    transformer.fit(X)
    cells = {
        name: [None if cell is pd.NA else cell.frames.tolist() for cell in X[name]]
        for name in ("audio", "video")
    }
    lists = pd.DataFrame(cells)
    answer, expected = transformer.transform(lists), transformer.transform(X).reset_index(drop=True)
    for name in ("audio", "video"):
        assert answer[name].equals(expected[name])
