"""Labels in a folder: which columns are targets, and what several annotators become."""

import warnings

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets import load_folder
from avfusion.datasets._folder_labels import read_labels
from avfusion.datasets._layout import Source
from avfusion.datasets._streams import InMemory, Stream
from avfusion.formats._registry import read_parts

RNG = np.random.default_rng(0)
NAMES = pd.Index(["a", "b"], name="recording")


def per_step(folder, **columns):
    """Write the same labels, a column for each keyword, for both recordings."""
    (folder / "labels").mkdir(exist_ok=True)
    for name in NAMES:
        pd.DataFrame(columns).to_csv(folder / "labels" / f"{name}.csv", index=False)
    return folder


def read(folder, targets=None, raters=None):
    stream = None
    if (folder / "labels").is_dir():
        stream = Stream(InMemory(np.float64), keep=targets or (), valid=False, only=targets, rate_hz=2.0)
        for name in NAMES:
            path = folder / "labels" / f"{name}.csv"
            for part in read_parts(path):
                stream.add(name, part, Source(path, name))
    return read_labels(folder, NAMES, {} if stream is None else {None: stream}, {}, targets, raters)


def test_a_clock_and_a_segment_are_no_targets(tmp_path):
    value = RNG.normal(size=12)
    y, aside = read(per_step(tmp_path, timestamp=np.arange(12) * 500, value=value, segment_id=1))
    assert list(y.columns) == ["value"]
    assert str(y["value"].dtype) == "sequence[float64, 1, 2Hz]"
    np.testing.assert_allclose(y["value"].iloc[1].frames[:, 0], value)
    assert aside == ["timestamp", "segment_id"]


def test_columns_that_are_named_are_targets_in_that_order(tmp_path):
    per_step(tmp_path, timestamp=np.arange(12) * 500, value=RNG.normal(size=12), arousal=0.5)
    assert list(read(tmp_path, ["arousal", "timestamp"])[0].columns) == ["arousal", "timestamp"]
    with pytest.raises(
        ValueError, match=r"targets names 'valence', but .*labels has only .*'value', 'arousal'"
    ):
        read(tmp_path, ["valence"])


@pytest.mark.parametrize("per_clip", [True, False])
def test_text_beside_the_targets_that_are_named(tmp_path, per_clip):
    if per_clip:
        (tmp_path / "labels.csv").write_text("recording,mood,valence\na,sad,0.25\nb,glad,0.5\n")
    else:
        per_step(tmp_path, mood=["sad", "glad"], valence=[0.25, 0.5])
    with pytest.raises(ValueError, match="'mood'"):
        read(tmp_path)
    assert list(read(tmp_path, ["valence"])[0].columns) == ["valence"]


RATERS = [
    (["FM1", "FM2", "FF1"], "label"),
    (["rater_1", "rater_2"], "label"),
    (["A1", "A2"], "label"),
    (["annotator a", "annotator b"], "label"),
    (["valence_rater1", "valence_rater2"], "valence"),
    (["coder1_arousal", "coder2_arousal"], "arousal"),
]


@pytest.mark.parametrize(("names", "target"), RATERS)
def test_several_annotators_are_asked_about(tmp_path, names, target):
    columns = dict(zip(names, RNG.normal(size=(3, 12))))
    per_step(tmp_path, time=np.arange(12) / 2, **columns)
    with pytest.raises(ValueError, match=rf"'{names[0]}', '{names[1]}'.* several annotators .*raters='mean'"):
        read(tmp_path)
    assert list(read(tmp_path, names)[0].columns) == names
    y, _ = read(tmp_path, raters="mean")
    assert list(y.columns) == [target]
    np.testing.assert_allclose(y[target].iloc[0].frames[:, 0], np.mean(list(columns.values()), axis=0))


@pytest.mark.parametrize(
    "names",
    [
        ["valence", "arousal"],
        ["AU01", "AU02"],
        ["dim1", "dim2"],
        ["ar", "av"],
        ["FM1"],
        ["label 0", "label 1"],
    ],
)
def test_other_names_are_targets(tmp_path, names):
    per_step(tmp_path, **dict(zip(names, RNG.normal(size=(2, 12)))))
    assert list(read(tmp_path)[0].columns) == names


def test_the_mean_is_over_those_who_labelled(tmp_path):
    per_step(tmp_path, A1=[1.0, np.nan, np.nan], A2=[3.0, 4.0, np.nan], other=[0.0, 1.0, 0.0])
    y, _ = read(tmp_path, raters="mean")
    np.testing.assert_array_equal(y["label"].iloc[0].frames[:, 0], [2, 4, np.nan])
    assert list(y.columns) == ["label", "other"]


def test_raters_is_mean_and_needs_some(tmp_path):
    per_step(tmp_path, value=[0.5, 0.2])
    with pytest.raises(
        ValueError, match=r"raters='mean', but .* has no columns of several annotators: 'value'"
    ):
        read(tmp_path, raters="mean")
    with pytest.raises(ValueError, match=r"raters='median' must be 'mean', or None"):
        read(tmp_path, raters="median")


def test_bookkeeping_beside_labels_per_clip(tmp_path):
    (tmp_path / "labels.csv").write_text(
        ",recording,segment_id,start,end,file,mood\n0,a,1,0.5,2.5,x.wav,NA\n1,b,2,2.5,4.0,y.wav,3\n"
    )
    y, aside = read(tmp_path)
    np.testing.assert_array_equal(y["mood"], [np.nan, 3])
    assert list(y.columns) == ["mood"]
    assert aside == ["segment_id", "start", "end", "file"]
    assert list(read(tmp_path, ["segment_id"])[0].columns) == ["segment_id"]


def test_labels_of_bookkeeping_alone_are_refused(tmp_path):
    (tmp_path / "labels.csv").write_text("recording,success\na,1\nb,0\n")
    with pytest.raises(
        ValueError, match=r"nothing but bookkeeping: its columns are 'success'.* name .* in targets"
    ):
        read(tmp_path)
    assert read(tmp_path, ["success"])[0]["success"].tolist() == [1, 0]


def with_sound(folder):
    (folder / "audio").mkdir()
    for name in NAMES:
        np.save(folder / "audio" / f"{name}.npy", RNG.normal(size=(12, 2)))
    return folder


@pytest.mark.parametrize("header", [True, False])
def test_a_folder_for_each_dimension(tmp_path, header):
    known = {}
    for dimension in ("arousal", "valence"):
        (with_sound(tmp_path) if not known else tmp_path).joinpath("labels", dimension).mkdir(parents=True)
        for name in NAMES:
            known[dimension, name] = RNG.normal(size=12).round(6)
            table = pd.DataFrame({"time": np.arange(12) / 2, "value": known[dimension, name]})
            if not header:
                table = table[["value"]]
            table.to_csv(tmp_path / "labels" / dimension / f"{name}.csv", index=False, header=header)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, y = load_folder(tmp_path)
    assert list(y.columns) == ["arousal", "valence"]
    for (dimension, name), values in known.items():
        np.testing.assert_array_equal(y.loc[name, dimension].frames[:, 0], values)
    assert not header or y["valence"].dtype.rate_hz == 2
    for name in NAMES:
        (tmp_path / "labels" / "valence" / f"{name}.csv").write_text("arousal\n1\n2\n")
    with pytest.raises(ValueError, match="valence has labels of the name 'arousal', as another"):
        load_folder(tmp_path)


def test_a_file_for_each_dimension_as_deam_has_them(tmp_path):
    with_sound(tmp_path)
    (tmp_path / "labels").mkdir()
    for path in (tmp_path / "audio").iterdir():
        path.rename(path.with_stem({"a": "2", "b": "3"}[path.stem]))
    for dimension, sign in {"arousal": 1, "valence": -1}.items():
        table = pd.DataFrame({"song_id": [2, 3], "sample_15000ms": [0.1, 0.3], "sample_15500ms": [0.2, 0.4]})
        table.iloc[:, 1:] *= sign
        table.to_csv(tmp_path / "labels" / f"{dimension}.csv", index=False)
    _, y = load_folder(tmp_path)
    assert list(y.columns) == ["arousal", "valence"]
    np.testing.assert_array_equal(y.loc["3", "valence"].frames[:, 0], [-0.3, -0.4])
    assert y["arousal"].array.starts_s.tolist() == [15, 15]


def test_annotators_in_folders_of_their_own(tmp_path):
    with_sound(tmp_path)
    for k, rater in enumerate(["FM1", "FM2"]):
        (tmp_path / "labels" / rater).mkdir(parents=True)
        for name in NAMES:
            np.save(tmp_path / "labels" / rater / f"{name}.npy", np.full(12, k))
    with pytest.raises(ValueError, match="'FM1', 'FM2' look like several annotators"):
        load_folder(tmp_path)
    _, y = load_folder(tmp_path, raters="mean")
    np.testing.assert_array_equal(y.loc["a", "label"].frames[:, 0], np.full(12, 0.5))
