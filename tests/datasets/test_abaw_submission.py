import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.datasets import write_abaw_submission


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    frames = {
        "valence": [rng.normal(size=3), rng.normal(size=2)],
        "arousal": [rng.normal(size=3), np.ones(2)],
    }
    return av.as_sequences(frames, dtype="float64").set_axis(["video2_left", "a"])


def test_a_line_for_each_frame_from_one_on(predictions, tmp_path):
    write_abaw_submission(predictions.assign(subject=1), tmp_path / "p.txt")
    lines = pd.read_csv(tmp_path / "p.txt")
    assert lines.columns.tolist() == ["image_location", "valence", "arousal"]
    assert lines["image_location"].tolist() == [
        "video2_left/00001.jpg",
        "video2_left/00002.jpg",
        "video2_left/00003.jpg",
        "a/00001.jpg",
        "a/00002.jpg",
    ]
    expected = np.concatenate([cell.frames[:, 0] for cell in predictions["valence"]]).clip(-1, 1)
    np.testing.assert_array_equal(lines["valence"], expected)


def test_the_lines_of_the_sample_in_its_order(predictions, tmp_path):
    sample = "image_location,valence,arousal\na/00002.jpg,-5,-5\nvideo2_left/00001.jpg,-5,-5\n"
    (tmp_path / "sample.txt").write_text(sample)
    write_abaw_submission(predictions, tmp_path / "p.txt", sample=tmp_path / "sample.txt")
    lines = (tmp_path / "p.txt").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["a/00002.jpg", "video2_left/00001.jpg"]
    assert float(lines[2].split(",")[1]) == predictions["valence"].iloc[0].frames[0, 0].clip(-1, 1)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ("a/00003.jpg\nb/00001.jpg\nb/00002.jpg\n", "3 frames without predictions, of 'a', 'b'"),
        ("a/face.jpg\n", "names no frame"),
    ],
)
def test_a_sample_that_asks_for_more_leaves_nothing(predictions, tmp_path, sample, message):
    (tmp_path / "sample.txt").write_text(sample)
    with pytest.raises(ValueError, match=message):
        write_abaw_submission(predictions, tmp_path / "p.txt", sample=tmp_path / "sample.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["sample.txt"]


def test_what_is_no_prediction_of_both(predictions, tmp_path):
    with pytest.raises(ValueError, match="'arousal' is not there"):
        write_abaw_submission(predictions[["valence"]], tmp_path / "p.txt")
    with pytest.raises(ValueError, match="per video frame"):
        write_abaw_submission(pd.DataFrame({"valence": [1.0], "arousal": [0.0]}), tmp_path / "p.txt")
    gap = av.as_sequences({"valence": [[np.nan, 0.1]], "arousal": [[0.0, 0.1]]}).set_axis(["a"])
    with pytest.raises(ValueError, match="of 'a' are NaN"):
        write_abaw_submission(gap, tmp_path / "p.txt")


def test_the_last_prediction_may_be_held(predictions, tmp_path):
    (tmp_path / "sample.txt").write_text("a/00002.jpg\na/00003.jpg\na/00004.jpg\n")
    write_abaw_submission(predictions, tmp_path / "p.txt", sample=tmp_path / "sample.txt", hold=2)
    values = [line.partition(",")[2] for line in (tmp_path / "p.txt").read_text().splitlines()[1:]]
    assert len(values) == 3
    assert len(set(values)) == 1
    with pytest.raises(ValueError, match="asks for 1 frames without predictions"):
        write_abaw_submission(predictions, tmp_path / "p.txt", sample=tmp_path / "sample.txt", hold=1)
