"""Frames of a store in other processes: they are mapped there, not copied."""

import os
import pickle
import shutil

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

import avfusion as av
from avfusion.sequences._paging import mapped_by
from tests.store.data import assert_same, recordings


@pytest.fixture
def store(tmp_path):
    av.write_store(tmp_path / "store", *recordings())
    return tmp_path / "store"


def test_a_pickle_names_the_place_of_the_frames(store):
    X, y = av.read_store(store)
    X["audio"].array.pack()
    again, labels = pickle.loads(pickle.dumps((X, y)))
    assert_same(again, recordings()[0])
    assert_same(labels, recordings()[1])
    assert mapped_by(again["audio"].array.frames) is not None
    assert pickle.loads(pickle.dumps(again)).equals(X)  # of what was mapped again


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_parts_of_frames(protocol, store):
    frames = av.read_store(store)[0]["words"].array.frames
    for part in (
        frames,
        frames[3:7],
        frames[5:][2:],
        frames[:0],
        frames[::2],
        frames[:, 1:],
        frames.T,
        frames[2],
    ):
        again = pickle.loads(pickle.dumps(part, protocol))
        np.testing.assert_array_equal(again, part, strict=False)
        assert again.dtype == part.dtype
        mapped = isinstance(again, np.memmap) and again._mmap is not None
        assert mapped == (part.flags.c_contiguous and part.size > 0)
    product = pickle.loads(pickle.dumps(np.take(frames, [1, 0], axis=0), protocol))
    np.testing.assert_array_equal(product, np.array(frames)[[1, 0]])


def test_frames_of_a_store_that_is_gone_or_another_are_refused(store):
    X, y = recordings()
    pickled = pickle.dumps(av.read_store(store)[0])
    av.write_store(store, X, y, overwrite=True)  # the same once more
    assert_same(pickle.loads(pickled), X)
    av.write_store(store, X.iloc[:2], y.iloc[:2], overwrite=True)
    with pytest.raises(ValueError, match=r"written again with other content. Open it again"):
        pickle.loads(pickled)
    shutil.rmtree(store)
    with pytest.raises(FileNotFoundError, match="is gone"):
        pickle.loads(pickled)


def test_what_is_open_outlives_its_replacement(store):
    X, y = recordings()
    opened, _ = av.read_store(store)
    av.write_store(store, X.iloc[:2], y.iloc[:2], overwrite=True)
    assert_same(opened, X)


def where(X):
    frames = X["audio"].array.frames
    return (
        frames.filename,
        mapped_by(frames) is not None,
        len(frames),
        float(X["audio"].iloc[-1].frames.sum()),
    )


@pytest.mark.slow
def test_workers_map_the_same_file_even_for_a_few_rows(tmp_path):
    frames = np.random.default_rng(0).normal(size=(100, 500, 20)).astype("float32")
    av.write_store(tmp_path / "store", {"audio": frames})
    X, _ = av.read_store(tmp_path / "store")
    for part in (X, X.iloc[[7, 80]]):
        for file, mapped, n_frames, total in Parallel(n_jobs=2, max_nbytes=1000)(
            delayed(where)(part) for _ in range(2)
        ):
            assert (str(file), mapped, n_frames) == (str(tmp_path / "store" / "frames_000.npy"), True, 50_000)
            assert total == float(part["audio"].iloc[-1].frames.sum())
        assert len(pickle.dumps(part)) < 5000


@pytest.mark.slow
def test_a_search_in_two_processes_gives_what_it_gives_in_memory(tmp_path):
    X, y = av.datasets.make_audiovisual_regression(6, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    av.write_store(tmp_path / "store", X, y)
    mapped, labels = av.read_store(tmp_path / "store")
    scores = []
    for data, target in ((X, y), (mapped, labels)):
        model = GridSearchCV(av.FrameRegressor(Ridge()), {"regressor__alpha": [1.0, 100.0]}, cv=3, n_jobs=2)
        scores.append(model.fit(data, target).cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*scores)


def test_content_decides_not_where_it_lies(store):
    X, _ = recordings()
    mapped, _ = av.read_store(store)
    assert [c.digest() for c in mapped["words"].dropna()] == [c.digest() for c in X["words"].dropna()]
    assert os.path.isabs(mapped["words"].array.frames.filename)


def test_what_is_computed_of_frames_lies_in_no_file(store):
    frames = av.read_store(store)[0]["audio"].array.frames
    assert type(frames.sum()) is frames.dtype.type
    assert hash(frames.size + np.nansum(frames)) == hash(frames.size + np.nansum(np.array(frames)))
    for computed in (frames * 2, np.isnan(frames), frames.mean(axis=0)):
        assert type(computed) is np.ndarray


def test_frames_whose_store_was_moved_are_refused_before_they_leave_the_process(store, tmp_path):
    X, _ = av.read_store(store)
    os.rename(store, tmp_path / "moved")
    assert np.isfinite(X["audio"].array.frames).any()  # what is open can be used
    with pytest.raises(FileNotFoundError, match="Open the store again where it is now"):
        pickle.dumps(X)
