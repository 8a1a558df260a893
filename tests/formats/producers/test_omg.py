"""Annotations of utterances as OMG-Emotion publishes them."""

from avfusion.formats._registry import read_parts

HEADER = "link,start,end,video,utterance,arousal,valence,EmotionMaxVote\n"


def test_each_utterance_has_targets(tmp_path):
    path = tmp_path / "omg_TrainVideos.csv"
    rows = "https://example.org/v,1.5,7.25,fd41c38b2,utterance_1.mp4,0.46,0.16,6\n"
    path.write_text(HEADER + rows + rows.replace("utterance_1", "utterance_2").replace("0.46", "-0.1"))
    parts = list(read_parts(path))
    assert [part.recording for part in parts] == ["fd41c38b2_utterance_1", "fd41c38b2_utterance_2"]
    assert [part.targets for part in parts] == [
        {"arousal": 0.46, "valence": 0.16},
        {"arousal": -0.1, "valence": 0.16},
    ]
    assert parts[0].about["EmotionMaxVote"] == 6
    assert parts[0].about["start"] == 1.5
    assert {(part.n_steps, part.stream) for part in parts} == {(0, "labels")}


def test_steps_of_utterances_are_no_ratings(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("video,utterance,arousal,valence\na,1,0.1,0.2\na,1,0.2,0.3\nb,1,0.1,0.2\n")
    assert {part.recording: part.n_steps for part in read_parts(path)} == {"a": 2, "b": 1}
