import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.store._manifest import is_store, names_from_json, names_to_json, parse, read_manifest, render

NAMES = st.recursive(
    st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(tuple),
    max_leaves=4,
)


@given(st.lists(NAMES, max_size=4), NAMES)
def test_names_come_back(labels, name):
    index = pd.Index(labels, dtype=object, name=name, tupleize_cols=False)
    [again] = [names_from_json(parse(render({"names": names_to_json(index)}))["names"])]
    assert again.identical(index)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3, name="k"),
        pd.Index(["a", "b"], name="stream"),
        pd.Index([1, 2]),
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None]),
    ],
)
def test_kinds_of_index_come_back(index):
    assert names_from_json(names_to_json(index)).identical(index)


@pytest.mark.parametrize("name", [object(), b"a", float("nan"), pd.Timestamp(0)])
def test_other_names_are_refused(name):
    with pytest.raises(TypeError, match=r"is neither text nor a number. Rename the column"):
        names_to_json(pd.Index([name], dtype=object))


def test_each_character_of_a_manifest_counts():
    text = render({"rows": 3, "names": ["a", "\udce9", 0.1]})
    assert parse(text)["names"] == ["a", "\udce9", 0.1]
    for position in range(len(text)):
        for other in {" ", "0", "a", text[position].upper()} - {text[position]}:
            with pytest.raises(ValueError, match="was changed"):
                parse(text[:position] + other + text[position + 1 :])


def test_bytes_that_are_no_text_are_a_change(tmp_path):
    (tmp_path / "manifest.json").write_bytes(render({"rows": 3}).encode().replace(b"rows", b"r\xffws"))
    with pytest.raises(ValueError, match=r"manifest\.json was changed"):
        read_manifest(tmp_path)


def test_only_stores_and_empty_folders_may_be_replaced(tmp_path):
    assert is_store(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")  # of a web page, perhaps
    assert not is_store(tmp_path)
    (tmp_path / "table.parquet").write_text("")
    assert is_store(tmp_path)
    assert not is_store(tmp_path / "manifest.json")
