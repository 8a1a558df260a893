"""Annotations of music as DEAM and PMEmo publish them."""

import numpy as np
import pandas as pd
import pytest

from avfusion.formats._registry import read_parts

RNG = np.random.default_rng(0)


def test_a_wide_table_of_deam(tmp_path):
    values = RNG.uniform(-1, 1, (3, 60)).round(6)
    values[1, 50:] = np.nan  # the song ends
    values[2, 3] = np.nan
    table = pd.DataFrame(values, columns=[f"sample_{15000 + 500 * k}ms" for k in range(60)])
    table.insert(0, "song_id", [2, 3, 2058])
    table.to_csv(tmp_path / "arousal.csv", index=False)
    parts = list(read_parts(tmp_path / "arousal.csv"))
    assert [(part.recording, part.n_steps) for part in parts] == [("2", 60), ("3", 50), ("2058", 60)]
    assert {(part.rate_hz, part.start_s, part.named) for part in parts} == {(2.0, 15.0, True)}
    for part, row in zip(parts, values):
        np.testing.assert_array_equal(part.values["arousal"], row[: part.n_steps])


def test_columns_in_another_order(tmp_path):
    (tmp_path / "valence.csv").write_text("song_id,sample_15500ms,sample_15000ms\n2,0.5,0.25\n")
    (part,) = read_parts(tmp_path / "valence.csv")
    assert part.values["valence"].tolist() == [0.25, 0.5]


def test_annotators_of_one_song(tmp_path):
    values = RNG.uniform(-1, 1, (5, 20)).round(6)
    table = pd.DataFrame(values, columns=[f"sample_{15000 + 500 * k}ms" for k in range(20)])
    table.to_csv(tmp_path / "104.csv", index=False)
    (part,) = read_parts(tmp_path / "104.csv")
    assert (part.recording, part.rate_hz, part.start_s) == (None, 2.0, 15.0)
    assert list(part.values.columns) == [f"rater_{k}" for k in range(1, 6)]
    np.testing.assert_array_equal(part.values, values.T)


def test_dynamic_annotations_of_pmemo(tmp_path):
    rows = [(song, 15 + k / 2, *RNG.uniform(size=2).round(3)) for song in (1, 4) for k in range(10)]
    table = pd.DataFrame(rows, columns=["musicId", "frameTime", "Arousal(mean)", "Valence(mean)"])
    table.to_csv(tmp_path / "dynamic_annotations.csv", index=False)
    parts = list(read_parts(tmp_path / "dynamic_annotations.csv"))
    assert [(part.recording, part.rate_hz, part.start_s) for part in parts] == [("1", 2, 15), ("4", 2, 15)]
    np.testing.assert_array_equal(parts[1].values["Valence(mean)"], table["Valence(mean)"][10:])


def test_ratings_of_whole_songs_are_targets(tmp_path):
    text = "song_id, valence_mean, valence_std, arousal_mean, arousal_std\n"
    text += "2,3.1,0.94,3,0.63\n3,3.5,1.75,3.3,1.62\n"
    (tmp_path / "static_annotations_averaged_songs_1_2000.csv").write_text(text)
    parts = list(read_parts(tmp_path / "static_annotations_averaged_songs_1_2000.csv"))
    assert [(part.recording, part.stream, part.n_steps) for part in parts] == [
        ("2", "labels", 0),
        ("3", "labels", 0),
    ]
    assert parts[1].targets == {"valence_mean": 3.5, "arousal_mean": 3.3}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("song_id,sample_0ms,sample_500ms,sample_900ms\n2,1,2,3\n", "not evenly spaced"),
        ("song_id,sample_0ms,sample_500ms\n2,1,2\n2,1,2\n", "must name each song once"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, reason):
    (tmp_path / "arousal.csv").write_text(text)
    with pytest.raises(ValueError, match=reason):
        list(read_parts(tmp_path / "arousal.csv"))
