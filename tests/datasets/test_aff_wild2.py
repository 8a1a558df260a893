"""Aff-Wild2 as it is published."""

import numpy as np
import pytest

import avfusion as av
from avfusion.datasets import load_aff_wild2
from avfusion.datasets._aff_wild2 import annotations_in, read_annotations, read_list
from avfusion.formats._registry import DamagedFileError
from tests.datasets.aff_wild2_layout import AUDIO_HZ, FPS, VIDEOS, write_aff_wild2

RATES = {"audio": AUDIO_HZ, "labels": FPS}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("affwild2")
    return folder, *write_aff_wild2(folder)


def test_everything_stands_where_it_was_written(published):
    folder, labels, video, audio = published
    X, y = load_aff_wild2(folder, rate_hz=RATES)
    assert list(X.columns) == ["partition", "video_id", "audio", "video"]
    assert sorted(X.index) == sorted(VIDEOS)
    assert X["partition"].to_dict() == {
        name: "train" if set_folder == "Train_Set" else "validation"
        for name, (set_folder, _) in VIDEOS.items()
    }
    assert X["video_id"]["video2_left"] == X["video_id"]["video2_right"] == "video2"
    assert X.dtypes["video"].rate_hz == y.dtypes["valence"].rate_hz == FPS
    assert X.dtypes["audio"].rate_hz == AUDIO_HZ
    for name in X.index:
        np.testing.assert_array_equal(X["video"][name].frames, video[name])
        np.testing.assert_array_equal(X["audio"][name].frames, audio[X["video_id"][name]])
        for k, target in enumerate(("valence", "arousal")):
            np.testing.assert_array_equal(y[target][name].frames[:, 0], labels[name][:, k])


def test_two_people_share_one_sound_without_a_copy(published):
    folder, _, _, audio = published
    column = load_aff_wild2(folder, rate_hz=RATES)[0]["audio"]
    left, right = column["video2_left"].frames, column["video2_right"].frames
    assert left.__array_interface__["data"] == right.__array_interface__["data"]
    assert len(column.array.frames) == sum(map(len, audio.values()))


@pytest.mark.parametrize("partition", ["train", ["validation"]])
def test_a_partition(published, partition):
    X, y = load_aff_wild2(published[0], partition=partition, rate_hz=RATES)
    assert set(X["partition"]) == {partition if isinstance(partition, str) else partition[0]}
    assert y.index.equals(X.index)


def test_lists_of_videos_and_of_frames(published, tmp_path):
    folder, labels, video, _ = published
    (tmp_path / "mine.txt").write_text("video45.mp4\n\nvideo2_left\n")
    frames = [f"video70_right/{k:05d}.jpg,-5,-5" for k in range(1, 61)]
    (tmp_path / "test.txt").write_text("\n".join(["image_location,valence,arousal", *frames]))
    lists = {"train": tmp_path / "mine.txt", "test": tmp_path / "test.txt"}
    X, y = load_aff_wild2(folder, partition=lists, rate_hz=RATES)
    assert X["partition"].to_dict() == {"video45": "train", "video2_left": "train", "video70_right": "test"}
    assert len(y["valence"]["video70_right"]) == len(labels["video70_right"])  # its annotations are there
    unlabelled, nothing = load_aff_wild2(folder, partition=lists, rate_hz=RATES, labels=False)
    assert nothing is None
    np.testing.assert_array_equal(unlabelled["video"]["video70_right"].frames, video["video70_right"][:60])


def test_videos_without_annotations_have_missing_labels(published, tmp_path):
    folder, _, _, _ = published
    (tmp_path / "x").mkdir()
    np.save(tmp_path / "x" / "video45.npy", np.zeros((60, 2)))
    np.save(tmp_path / "x" / "new.npy", np.ones((12, 2)))
    (tmp_path / "test.txt").write_text("new\nvideo45\n")
    lists = {"test": tmp_path / "test.txt"}
    X, y = load_aff_wild2(folder, {"x": tmp_path / "x"}, partition=lists)
    assert y["valence"].isna().tolist() == [True, False]
    assert len(X["x"]["new"]) == 12


def test_videos_of_unlike_rates(published):
    fps = {name: 25.0 if name == "video45" else 30.0 for name in VIDEOS} | {"video2": 24.0}
    del fps["video2_left"], fps["video2_right"]
    X, y = load_aff_wild2(published[0], rate_hz={"audio": AUDIO_HZ, "labels": fps})
    known = dict(zip(X.index, X["video"].array.rates_hz))
    assert known["video2_right"] == 24
    assert known["video45"] == 25
    np.testing.assert_array_equal(y["valence"].array.rates_hz, X["video"].array.rates_hz)
    del fps["video45"]
    with pytest.raises(ValueError, match=r"no rate of 'video45'"):
        load_aff_wild2(published[0], rate_hz={"labels": fps})


def test_damaged_annotations_do_not_matter_without_labels(tmp_path):
    write_aff_wild2(tmp_path)
    damaged = next(tmp_path.rglob("video45.txt"))
    damaged.write_bytes(b"\xff\xfe\x00garbage")
    with pytest.raises(DamagedFileError, match=r"video45\.txt"):
        load_aff_wild2(tmp_path, rate_hz=RATES)
    X, _ = load_aff_wild2(tmp_path, rate_hz=RATES, labels=False)
    assert len(X) == len(VIDEOS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "It is empty"),
        ("0.1,0.2\n", "begins with '0.1,0.2'"),
        ("valence,arousal\n0.1,0.2\n0.1\n", "Line 3 is '0.1'"),
        ("valence,arousal\n0.1,2.5\n", "Line 2 is '0.1,2.5'"),
        ("valence,arousal\n0.1,nan\n", "Line 2"),
        ("valence,arousal\n0.1,0.2\n\n0.3,0.1\n", "Line 3 is ''"),
    ],
)
def test_a_line_that_is_no_annotation_is_named(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(DamagedFileError, match=message):
        read_annotations(tmp_path / "a.txt")


def test_windows_ends_of_lines_and_a_byte_order_mark(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfvalence,arousal\r\n0.1,-5\r\n0.5,1\r\n\r\n")
    np.testing.assert_array_equal(read_annotations(tmp_path / "a.txt"), [[np.nan, np.nan], [0.5, 1]])


def test_what_is_not_there_is_named(published, tmp_path):
    with pytest.raises(ValueError, match=r"no folder 'VA_Estimation_Challenge'"):
        load_aff_wild2(tmp_path)
    with pytest.raises(ValueError, match="'train' or 'validation'"):
        load_aff_wild2(published[0], partition="devel")
    with pytest.raises(ValueError, match=r"rate_hz names 'sound'"):
        load_aff_wild2(published[0], rate_hz={"sound": 3})
    with pytest.raises(ValueError, match=r"there is no folder"):
        load_aff_wild2(published[0], {"face": "faces"})
    (tmp_path / "a.txt").write_text("\n")
    with pytest.raises(ValueError, match="names no video"):
        read_list(tmp_path / "a.txt")


def test_the_folder_of_annotations_is_found_wherever_it_is(published):
    folder = published[0]
    inner = folder / "6th ABAW Annotations" / "VA_Estimation_Challenge"
    assert annotations_in(folder) == annotations_in(inner.parent) == annotations_in(inner) == inner


def test_from_the_folder_to_a_fitted_network(published):
    X, y = load_aff_wild2(published[0], rate_hz=RATES)
    with pytest.warns(UserWarning, match="Left out"):
        X, y = av.pair(X, y)
    train = X["partition"] == "train"
    model = av.RecursiveJointAttentionRegressor.published(max_epochs=1, hidden_size=8, random_state=0)
    predicted = model.fit(X[train], y[train]).predict(X[~train])
    scores = av.metrics.abaw_scorer(model, X[~train], y[~train])
    assert list(scores) == ["ccc", "ccc_valence", "ccc_arousal"]
    assert predicted["valence"].array.lengths.tolist() == y[~train]["valence"].array.lengths.tolist()
