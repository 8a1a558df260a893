"""Model files that somebody else made are refused in one sentence, and in little memory."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile

import joblib
import pytest
from sklearn.linear_model import Ridge

from avfusion import persistence
from avfusion._model_header import LARGEST, check_header, open_model

GOOD = {
    "format": 1,
    "estimator": "Ridge()",
    "versions": {"python": "3.11.0"},
    "modalities": {"audio": {"width": 3, "rate_hz": 10.0}, "video": {"width": 2, "rate_hz": None}},
    "targets": {"names": ["mood"], "per_frame": True},
}


def pickled(value):
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


MODEL = pickled(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]))


def archive(members, path, compression=zipfile.ZIP_STORED, comment=b""):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
        file.comment = comment
    return path


def model(path, header=GOOD, content=MODEL, **options):
    text = header if isinstance(header, (str, bytes)) else json.dumps(header)
    return archive([("avfusion.json", text), ("model.joblib", content)], path, **options)


def refused(path, words=""):
    for read in (persistence.read_header, persistence.load):
        with pytest.raises(ValueError, match=words) as caught:
            read(path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 320 + len(str(path))


def test_the_good_one_is_read(tmp_path):
    path = model(tmp_path / "a.model")
    assert persistence.read_header(path) == GOOD
    with pytest.warns(UserWarning, match="was saved with python 3.11.0"):
        assert isinstance(persistence.load(path), Ridge)


def changed(*keys, to):
    header = json.loads(json.dumps(GOOD))
    place = header
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    return header


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        *((("format",), value) for value in (None, "1", 1.0, True, 0, -1, [])),
        *((("estimator",), value) for value in (None, 3, [], "x" * 20_000)),
        *((("versions",), value) for value in (None, [], {"python": 3}, {"python": None}, "3.11")),
        *((("modalities",), value) for value in (3, [], {"audio": 3}, {"audio": {"width": 3}})),
        *((("modalities", "audio", "width"), value) for value in (None, "3", 1.5, -1, True, 10**30)),
        *((("modalities", "audio", "rate_hz"), value) for value in ("25", 0, -1, True, [], 10**400)),
        *((("targets",), value) for value in (None, [], {}, {"names": None})),
        *((("targets", "names"), value) for value in ("mood", [3], {"a": 1})),
        *((("targets", "per_frame"), value) for value in (1, "yes", [])),
    ],
)
def test_values_of_another_kind_are_named(keys, value, tmp_path):
    refused(model(tmp_path / "a.model", changed(*keys, to=value)), f"header has {keys[0]} of another kind")


@pytest.mark.parametrize("name", GOOD)
def test_names_that_are_missing_are_named(name, tmp_path):
    header = {key: value for key, value in GOOD.items() if key != name}
    refused(model(tmp_path / "a.model", header), f"header has no {name}")
    check_header(GOOD | {"more": 3})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"format": 1, "format": 1}',
        b'{"format": NaN}',
        b'{"format": Infinity}',
        b'{"format": ' + b"1" * 5000 + b"}",
        b"\xff\xfe{",
        json.dumps(GOOD).encode()[:-1],
        json.dumps(GOOD).encode() + b"{}",
        json.dumps(GOOD).encode() + b" " * LARGEST,
        json.dumps(GOOD).encode("utf-32") + b"\x00",
        b'{"format": 1, "x\x1b[31m": ' + b"}",
    ],
)
def test_what_is_no_header_is_refused(text, tmp_path):
    refused(model(tmp_path / "a.model", text), "is not a model that avfusion saved")


def test_a_later_format_asks_for_an_upgrade(tmp_path):
    later = {"format": 2, "versions": {"avfusion": "9.0\x1b[2J"}}
    refused(
        archive([("avfusion.json", json.dumps(later))], tmp_path / "a"), r"avfusion 9.0\\x1b\[2J, which is"
    )
    refused(archive([("avfusion.json", '{"format": 3}')], tmp_path / "b"), "a later release, which is newer")


NAMED = [("avfusion.json", json.dumps(GOOD)), ("model.joblib", MODEL)]


@pytest.mark.parametrize(
    "members",
    [
        NAMED[:1],
        NAMED[1:],
        NAMED[::-1],
        [*NAMED, ("../../evil.py", "")],
        [("./avfusion.json", "{}"), NAMED[1]],
        [NAMED[0], ("../model.joblib", MODEL)],
        [*NAMED, *NAMED],
        [NAMED[0], *NAMED],
        [],
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_other_members_are_refused(members, tmp_path):
    refused(archive(members, tmp_path / "a.model"), "is not a model that avfusion saved")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused_before_they_grow(compression, tmp_path):
    header = json.dumps(GOOD)[:-1] + ', "x": "' + "a" * (1 << 26) + '"}'
    path = model(tmp_path / "a.model", header, compression=compression)
    del header
    tracemalloc.start()
    refused(path, "compressed, encrypted or too large")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 22


def test_a_pickle_that_joblib_would_decompress_is_refused(tmp_path):
    buffer = io.BytesIO()
    joblib.dump("a" * 1000, buffer, compress=3)
    path = model(tmp_path / "a.model", content=buffer.getvalue())
    assert persistence.read_header(path) == GOOD
    with pytest.warns(UserWarning, match="saved with"), pytest.raises(ValueError, match="holds is no pickle"):
        persistence.load(path)


@pytest.mark.filterwarnings("ignore:.*was saved with")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickled([3]), "holds a list, which is no estimator"),
        (MODEL[:-20], "cannot be loaded"),
        (pickle.dumps(3)[:2] + b"(((((.", "cannot be loaded"),
        (b"\x80\x04csklearn.linear_model\nGone\n.", "needs code that is not installed"),
    ],
)
def test_what_is_no_estimator_is_refused_in_a_sentence(content, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        persistence.load(model(tmp_path / "a.model", content=content))


def patched(path, find, offset, new):
    content = bytearray(path.read_bytes())
    place = content.rindex(find) + offset
    content[place : place + len(new)] = new
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p.write_bytes(p.read_bytes() + b"\0"),
        lambda p: p.write_bytes(b"\0" + p.read_bytes()),
        lambda p: p.write_bytes(p.read_bytes()[:-1]),
        lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]),
        lambda p: p.write_bytes(p.read_bytes()[:40]),
        lambda p: p.write_bytes(b"PK"),
        lambda p: model(p, comment=b"hello"),
        lambda p: patched(p, b"PK\x01\x02", 8, b"\x01"),  # encrypted
        lambda p: patched(p, b"PK\x01\x02", 8, b"\x20"),  # patched data
        lambda p: patched(p, b"PK\x01\x02", 6, b"\xff"),  # needs a newer zip
        lambda p: patched(p, b"PK\x01\x02", 10, b"\x63"),  # compressed in a way that nobody knows
        lambda p: patched(p, b"PK\x01\x02", 24, struct.pack("<L", 1 << 31)),  # larger than the file
        lambda p: patched(p, b"PK\x01\x02", 42, struct.pack("<L", 0)),  # both in one place
        lambda p: patched(p, b"PK\x05\x06", 10, b"\xff\xff"),  # more members than there are
        lambda p: patched(p, b"PK\x05\x06", 12, struct.pack("<L", 1 << 30)),  # a directory of a gigabyte
        lambda p: patched(p, b"PK\x05\x06", 16, struct.pack("<L", 1 << 30)),
        lambda p: patched(p, b"PK\x05\x06", 16, b"\xff" * 4),  # as of an archive above 4 GB
    ],
)
def test_a_damaged_archive_is_refused(spoil, tmp_path):
    path = model(tmp_path / "a.model")
    spoil(path)
    refused(path, "is not a model that avfusion saved")


@pytest.mark.filterwarnings("ignore:.*was saved with")
def test_a_header_whose_sum_is_wrong_is_refused(tmp_path):
    path = model(tmp_path / "a.model")
    path.write_bytes(path.read_bytes().replace(b'"mood"', b'"mode"'))
    refused(path, "Bad CRC")


def test_an_archive_above_4_gb_is_read_and_its_end_checked(tmp_path):
    path = model(tmp_path / "a.model")
    content = path.read_bytes()
    place = content.rindex(b"PK\x05\x06")
    length, offset = struct.unpack("<2L", content[place + 12 : place + 20])
    for size, good in ((length, True), (1 << 40, False)):
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, size, offset)
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, place, 1)
        path.write_bytes(content[:place] + record + locator + content[place:])
        if good:
            assert persistence.read_header(path) == GOOD
        else:
            refused(path, "Its end is damaged")


def test_the_file_is_closed(tmp_path):
    with open_model(model(tmp_path / "a.model")) as (opened, _):
        pass
    with pytest.raises(ValueError, match=r"closed"):
        opened.read("model.joblib")


def test_a_header_that_could_not_be_read_is_not_written(tmp_path):
    names = ["x" * 1000] * 2000
    with pytest.raises(ValueError, match=r"The header of .* would have"):
        persistence.save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "a.model", target_names=names)
    assert not list(tmp_path.iterdir())
