"""Features of frames, by number, and of whole videos."""

import warnings

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets import load_aff_wild2
from avfusion.datasets._aff_wild2_features import read_features, sound_of, sources_in
from tests.datasets.aff_wild2_layout import FPS, VIDEOS, write_aff_wild2


@pytest.fixture
def published(tmp_path):
    return tmp_path, write_aff_wild2(tmp_path, features=())


def load(folder, **rates):
    return load_aff_wild2(folder, rate_hz={"labels": FPS, **rates})[0]


@pytest.mark.parametrize("kind", ["array", "table", "sets", "csv per frame"])
def test_frames_however_they_are_written(published, kind):
    folder, (_, video, _) = published
    (folder / "video").mkdir()
    for name, frames in video.items():
        seen = ~np.isnan(frames).any(axis=1)
        place = folder / "video" / (VIDEOS[name][0] if kind == "sets" else "")
        place.mkdir(exist_ok=True)
        if kind == "table":
            table = pd.DataFrame(frames, columns=[f"f{k}" for k in range(frames.shape[1])])
            table.insert(0, "frame", np.arange(1, len(frames) + 1))
            table[seen].to_csv(place / f"{name}.csv", index=False)
        elif kind == "csv per frame":
            (place / name).mkdir()
            for k in np.flatnonzero(seen):
                np.savetxt(place / name / f"frame_{k + 1}.csv", frames[[k]], delimiter=",")
        else:
            np.save(place / f"{name}.npy", frames)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*bookkeeping.*")
        X = load(folder)
    for name in video:
        np.testing.assert_allclose(X["video"][name].frames, video[name], rtol=1e-6)


def test_numbers_from_zero(published):
    folder, _ = published
    (folder / "video" / "video45").mkdir(parents=True)
    for number in (0, 2, 59):
        np.save(folder / "video" / "video45" / f"{number}.npy", np.full(2, number))
    frames = load(folder)["video"]["video45"].frames[:, 0]
    assert np.flatnonzero(~np.isnan(frames)).tolist() == [0, 2, 59]


def test_some_frames_more_or_fewer_are_paired_from_the_first_on(published):
    folder, _ = published
    (folder / "video").mkdir()
    for name, (_, n) in VIDEOS.items():
        np.save(folder / "video" / f"{name}.npy", np.arange(float(n + (3 if name == "video45" else -2))))
    with pytest.warns(UserWarning, match=r"fewer steps than there are video frames in 5 of 6"):
        X = load(folder)
    assert X["video"].array.lengths.tolist() == [VIDEOS[name][1] for name in X.index]
    assert X["video"]["video45"].frames[-1, 0] == VIDEOS["video45"][1] - 1
    assert np.isnan(X["video"]["video2_left"].frames[:, 0]).tolist() == [False] * 73 + [True] * 2


def test_a_stream_of_another_rate_is_asked_about(published):
    folder, _ = published
    (folder / "audio").mkdir()
    for name, (_, n) in VIDEOS.items():
        np.save(folder / "audio" / f"{sound_of(name)}.npy", np.zeros((n * 4, 2)))
    with pytest.raises(ValueError, match=r"rate_hz={'audio': 100}"):
        load(folder)
    assert load(folder, audio=120).dtypes["audio"].rate_hz == 120


def test_a_rate_that_the_files_tell(published):
    folder, _ = published
    (folder / "audio").mkdir()
    for name, (_, n) in VIDEOS.items():
        table = pd.DataFrame({"frameTime": np.arange(n * 4) / 100, "loudness": np.arange(n * 4) % 7})
        table.to_csv(folder / "audio" / f"{sound_of(name)}.csv", sep=";", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for labels in (True, False):
            X, _ = load_aff_wild2(folder, rate_hz={"labels": FPS}, labels=labels)
            assert X.dtypes["audio"].rate_hz == 100
        assert load_aff_wild2(folder)[0].dtypes["audio"].rate_hz == 100


def test_a_table_with_the_clock_of_the_video_is_per_frame(published):
    folder, _ = published
    (folder / "video").mkdir()
    for name, (_, n) in VIDEOS.items():
        seen = np.arange(n) % 7 != 3
        table = pd.DataFrame(
            {"frame": np.arange(1, n + 1), "timestamp": np.arange(n) / FPS, "AU": np.arange(n) % 5}
        )
        table[seen].to_csv(folder / "video" / f"{name}.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = [load(folder), load_aff_wild2(folder)[0], load_aff_wild2(folder, labels=False)[0]]
    for X in read:
        assert X.dtypes["video"].rate_hz == FPS
        frames = X["video"]["video45"].frames[:, 0]
        np.testing.assert_array_equal(np.isnan(frames), np.arange(len(frames)) % 7 == 3)


def test_frame_numbers_beyond_the_video_are_refused(published):
    folder, _ = published
    (folder / "video").mkdir()
    table = pd.DataFrame({"frame": np.arange(1, 301), "AU": np.arange(300) % 5})
    table.to_csv(folder / "video" / "video45.csv", index=False)
    with pytest.raises(ValueError, match="has 300 steps, but there are 60 video frames"):
        load(folder)


def test_faces_of_one_person_are_not_those_of_the_other(published):
    folder, (_, video, _) = published
    (folder / "video").mkdir()
    for name in ("video2_left", "video45", "video2"):
        np.save(
            folder / "video" / f"{name}.npy", np.zeros((76, 2)) if name == "video2" else video[name][:, :2]
        )
    X = load(folder)
    assert X["video"].isna()["video2_right"]
    assert not X["video"].isna()["video2_left"]


def test_what_two_people_share_per_frame_is_told(published):
    folder, _ = published
    (folder / "scene").mkdir()
    np.save(folder / "scene" / "video2.npy", np.zeros((78, 2)))
    with pytest.warns(UserWarning, match=r"'video2_left', 'video2_right' \(2 in all\)"):
        X = load(folder)
    assert X["scene"].array.starts[X.index.get_indexer(["video2_left", "video2_right"])].tolist() == [0, 0]


def test_no_video_has_features(published):
    folder, _ = published
    (folder / "video").mkdir()
    np.save(folder / "video" / "other.npy", np.zeros((3, 2)))
    with pytest.raises(ValueError, match="features of 'other', but none of"):
        load(folder)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["00001.npy", "frame1.npy"], "is of no frame of its own"),
        (["face.npy"], "is of no frame of its own"),
        (["00001.npy", "99999999.npy"], "is frame 99999999, but the video has 60 frames"),
    ],
)
def test_files_that_are_of_no_frame(published, names, message):
    folder, _ = published
    (folder / "video" / "video45").mkdir(parents=True)
    for name in names:
        np.save(folder / "video" / "video45" / name, np.zeros(2))
    with pytest.raises(ValueError, match=message):
        load(folder)


def test_frames_of_unlike_width_and_frames_of_many_steps(published):
    folder, _ = published
    (folder / "video" / "video45").mkdir(parents=True)
    np.save(folder / "video" / "video45" / "1.npy", np.zeros(2))
    np.save(folder / "video" / "video45" / "2.npy", np.zeros((1, 3)))
    with pytest.raises(ValueError, match="has 3 features, but frames before it 2"):
        load(folder)
    np.save(folder / "video" / "video45" / "2.npy", np.zeros((2, 2)))
    with pytest.raises(ValueError, match="A file of one frame"):
        load(folder)


def test_one_video_written_twice(tmp_path):
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a.npy", np.zeros(3))
    np.save(tmp_path / "a" / "1.npy", np.zeros(3))
    with pytest.raises(ValueError, match="are the same video"):
        sources_in(tmp_path)
    with pytest.raises(ValueError, match="are the same video"):
        read_features("video", tmp_path, {"a": 3}, None, None, {})


def test_images_are_no_features(published):
    folder, _ = published
    (folder / "cropped_aligned" / "video45").mkdir(parents=True)
    (folder / "cropped_aligned" / "video45" / "00001.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ValueError, match="holds no features"):
        load(folder)
