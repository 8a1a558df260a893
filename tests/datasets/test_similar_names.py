"""Names that nearly match are pointed at; names that differ by a number are others."""

import pytest

from avfusion.datasets._similar_names import describe_near_matches, near_matches


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("clip_01", "clip01"),
        ("Clip01", "clip01"),
        ("clip1", "clip001"),
        ("clip01_audio", "clip01_video"),
        ("01_openface", "01.egemaps"),
        ("interview", "intervieuw"),
    ],
)
def test_the_same_recording_under_two_names(one, other):
    assert near_matches({"audio": {one, "b"}, "video": {other, "b"}}) == [("audio", one, "video", other)]


@pytest.mark.parametrize(
    ("one", "other"), [("clip01", "clip02"), ("a", "b"), ("001_left", "001_right"), ("s1_t2", "s2_t1")]
)
def test_other_recordings(one, other):
    assert near_matches({"audio": {one}, "video": {other}}) == []


def test_names_that_both_know_are_no_matches():
    assert near_matches({"audio": {"clip01", "clip_01"}, "video": {"clip01", "clip_01"}}) == []


def test_thousands_of_names_take_no_time():
    names = {"audio": {f"a{k}" for k in range(5000)}, "video": {f"b{k}" for k in range(5000)}}
    assert near_matches(names) == []


def test_of_many_the_first_are_named():
    pairs = [("audio", f"c_{k}", "video", f"c{k}") for k in range(10)]
    assert "So may 'c_1', 'c_2', 'c_3' and 6 more." in describe_near_matches(pairs)


def test_many_modalities_are_not_compared():
    assert near_matches({f"clip{k}": {f"audio_{k}", "b"} for k in range(3000)}) == []


def test_suffixes_of_media_and_ways_to_write_accents_do_not_matter():
    assert near_matches({"audio": {"a.wav"}, "video": {"a.mp4"}}) == [("audio", "a.wav", "video", "a.mp4")]
    (match,) = near_matches({"audio": {"J\u00fcrg"}, "video": {"Ju\u0308rg"}})
    assert match == ("audio", "J\u00fcrg", "video", "Ju\u0308rg")
