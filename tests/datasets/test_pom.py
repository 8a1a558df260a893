import hashlib
import os
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion.datasets import _pom as pom
from avfusion.datasets import fetch_pom

REAL = os.environ.get("AVFUSION_DATA")
needs_real_data = pytest.mark.skipif(not REAL, reason="AVFUSION_DATA is unset")
TRAITS = [
    "confident",
    "passionate",
    "voice_pleasant",
    "dominant",
    "credible",
    "vivid",
    "expertise",
    "entertaining",
    "reserved",
    "trusting",
    "relaxed",
    "outgoing",
    "thorough",
    "nervous",
    "sentiment",
    "persuasive",
    "humorous",
]

# Five steps a clip. Each line: steps of audio and of video, where 0 is a step of zeros.
CLIPS = {
    "train": [([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), ([0, 0, 3, 4, 5], [0, 0, 0, 0, 0])],
    "valid": [([0, 2, 0, 4, 0], [0, 0, 8, 0, 10])],
    "test": [([0, 0, 0, 0, 5], [0, 0, 8, 9, 10]), ([0, 0, 0, 0, 0], [0, 7, 8, 9, 0])],
}
EXPECTED_AUDIO = [[1, 2, 3, 4, 5], [3, 4, 5], [2, np.nan, 4, np.nan], [np.nan, np.nan, 5], None]
EXPECTED_VIDEO = [[6, 7, 8, 9, 10], None, [np.nan, 8, np.nan, 10], [8, 9, 10], [7, 8, 9, np.nan]]


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Folder with a small set of the same form, which the module is told to expect."""
    folder = tmp_path / "published"
    folder.mkdir()
    checksums, first = {}, 0
    for split, clips in CLIPS.items():
        ratings = np.arange(first, first + len(clips))[:, None] + np.arange(17) / 100
        first += len(clips)
        steps = [np.array(stream, dtype=float)[:, :, None] for stream in zip(*clips)]
        # the second feature of a step is zero, which does not make it a step of zeros
        arrays = {"audio": steps[0] * [1, 0, -1], "video": steps[1] * [1, 0], "y": ratings}
        for kind, array in arrays.items():
            path = folder / f"{kind}_{split}.h5"
            with h5py.File(path, "w") as file:
                file["d1"] = array
            checksums[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(pom, "CHECKSUMS", checksums)
    return folder


@pytest.fixture
def home(published, tmp_path):
    published.rename(tmp_path / pom.FOLDER)
    return tmp_path


def test_padding_goes_absent_streams_are_missing_and_other_zeros_unobserved(home):
    X, _ = fetch_pom(home)
    for name, expected, factors in (
        ("audio", EXPECTED_AUDIO, [1, 0, -1]),
        ("video", EXPECTED_VIDEO, [1, 0]),
    ):
        assert X[name].isna().tolist() == [steps is None for steps in expected]
        for row, steps in enumerate(expected):
            if steps is not None:
                np.testing.assert_array_equal(X[name][row].frames, np.outer(steps, factors))


def test_columns_names_and_split(home):
    X, y = fetch_pom(home)
    assert list(X) == ["audio", "video", "split"]
    assert [str(X[name].dtype) for name in ("audio", "video")] == [
        "sequence[float32, 3]",
        "sequence[float32, 2]",
    ]
    assert X["split"].tolist() == ["train", "train", "valid", "test", "test"]
    assert list(y) == TRAITS
    np.testing.assert_allclose(y, np.arange(5)[:, None] + np.arange(17) / 100)
    pd.testing.assert_index_equal(X.index, y.index)


def test_files_come_from_the_base_url_into_the_folder_of_the_data_set(
    published, serve, tmp_path, monkeypatch
):
    address, asked = serve(published)
    monkeypatch.setattr(pom, "BASE_URL", address)
    X, y = fetch_pom(tmp_path / "home")
    assert sorted(asked) == sorted(pom.CHECKSUMS)
    again = fetch_pom(tmp_path / "home", download_if_missing=False)
    assert len(asked) == 9
    pd.testing.assert_frame_equal(X, again[0])
    pd.testing.assert_frame_equal(y, again[1])
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"mfn-pom"}


def test_a_corrupted_download_leaves_nothing(published, serve, tmp_path, monkeypatch):
    for path in published.iterdir():
        path.write_bytes(b"not what was published")
    monkeypatch.setattr(pom, "BASE_URL", serve(published)[0])
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    with pytest.raises(ValueError, match="does not match the known hash"):
        fetch_pom(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_without_files_and_download_the_error_names_file_and_folder(tmp_path):
    with pytest.raises(OSError, match=r"audio_train\.h5 is missing in .*mfn-pom.*download_if_missing=True"):
        fetch_pom(tmp_path, download_if_missing=False)


@pytest.fixture(scope="module")
def real():
    return fetch_pom(REAL, download_if_missing=False)


@needs_real_data
def test_real_rows_equal_a_slow_reading_step_by_step(real):
    X, y = real
    row = 0
    for split in ("train", "valid", "test"):
        audio, video, ratings = (
            h5py.File(Path(REAL) / "mfn-pom" / f"{kind}_{split}.h5")["d1"][:]
            for kind in ("audio", "video", "y")
        )
        for clip in range(len(ratings)):
            begin = next(t for t in range(20) if audio[clip, t].any() or video[clip, t].any())
            for name, stream in (("audio", audio[clip]), ("video", video[clip])):
                cell = X[name].array[row]
                if not stream.any():
                    assert cell is pd.NA
                    continue
                for step, frame in zip(range(begin, 20), cell.frames, strict=True):
                    if stream[step].any():
                        np.testing.assert_array_equal(frame, stream[step].astype(np.float32))
                    else:
                        assert np.isnan(frame).all()
            np.testing.assert_array_equal(y.iloc[row], ratings[clip])
            assert X["split"][row] == split
            row += 1
    assert row == len(X) == 903


@needs_real_data
def test_real_counts_and_scales(real):
    X, y = real
    assert X.groupby("split")["video"].apply(lambda column: int(column.isna().sum())).to_dict() == {
        "train": 322,
        "valid": 48,
        "test": 116,
    }
    assert X["audio"].notna().all()
    assert (y.max() > 5).to_numpy().tolist() == [not 8 <= k <= 13 for k in range(17)]


@needs_real_data
def test_real_ridge_reaches_its_known_error_and_the_official_split_searches(real):
    """Ridge on mean and spread: MAE .866, r .225 over 16 traits; the alpha is chosen on the valid rows."""
    X, y = real
    y = y.drop(columns="sentiment")
    train, valid, test = (X["split"] == name for name in ("train", "valid", "test"))

    ridge = make_pipeline(av.Functionals(("mean", "std")), SimpleImputer(), StandardScaler(), Ridge())
    search = GridSearchCV(
        ridge,
        {"ridge__alpha": [100, 300, 1000, 3000]},
        cv=PredefinedSplit(np.where(valid[~test], 0, -1)),
        scoring="neg_mean_absolute_error",
        refit=False,
    ).fit(X[~test], y[~test])
    model = ridge.set_params(**search.best_params_).fit(X[train], y[train])
    prediction = model.predict(X[test])
    correlation = np.mean([np.corrcoef(prediction[:, k], y[test].iloc[:, k])[0, 1] for k in range(16)])
    assert np.abs(prediction - y[test]).to_numpy().mean() == pytest.approx(0.866, abs=0.01)
    assert correlation == pytest.approx(0.225, abs=0.03)
