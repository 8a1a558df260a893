"""Names by which arrays are known."""

import pytest

from avfusion.formats._names import ROLES, is_a, plain, stream_of, target_name


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("feature_names", "names"),
        ("Columns", "names"),
        ("SampleRate", "rate_hz"),
        ("FPS", "rate_hz"),
        ("clip_ids", "ids"),
        ("intervals", "times"),
        ("arr_0", "features"),
        ("openface", None),
    ],
)
def test_roles_do_not_depend_on_case_or_underscores(name, role):
    assert ROLES.get(plain(name)) == role


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("audio", "audio"),
        ("Audio_feat", "audio"),
        ("visual-features", "visual"),
        ("textEmbeddings", "text"),
        ("text_bert", None),
        ("audio2", None),
        ("clip01", None),
    ],
)
def test_modalities_are_whole_names(name, stream):
    assert stream_of(name) == stream


def test_kinds_of_groups():
    assert is_a("partition", "Test")
    assert is_a("container", "data")
    assert is_a("aside", "metadata")
    assert not is_a("partition", "test01")


def test_names_of_targets():
    names = ["y", "labels", "regression_labels", "regression_labels_T", "regression_labels_labels_A", "mood"]
    assert [target_name(name) for name in names] == ["label", "label", "label", "label_T", "label_A", "mood"]
