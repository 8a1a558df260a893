"""A result that cannot be written where it was to go."""

import errno

import pytest

from avfusion._atomic import atomic_write, write_or_keep


def write(path):
    with atomic_write(path) as part:
        part.write_text("days of work")
    return path


def test_nothing_is_said_where_nothing_fails(tmp_path):
    assert write_or_keep(write, tmp_path / "table.csv", [tmp_path / "other"]) == tmp_path / "table.csv"
    assert not (tmp_path / "other").exists()


def test_the_first_place_that_takes_it_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "free").mkdir()
    places = [tmp_path / "gone", tmp_path / "file", tmp_path / "free", tmp_path]
    with pytest.raises(FileNotFoundError, match=r"could not be written \(There is no folder") as caught:
        write_or_keep(write, tmp_path / "no" / "table.csv", places)
    (kept,) = (tmp_path / "free").rglob("table.csv")
    assert f"The result is in {kept}: move it from there." in str(caught.value)
    assert kept.read_text() == "days of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "free"]


def test_it_is_said_if_no_place_takes_it(tmp_path):
    with pytest.raises(OSError, match="no other folder took it"):
        write_or_keep(write, tmp_path / "no" / "table.csv", [tmp_path / "gone"])


def test_other_errors_are_not_those_of_a_disk(tmp_path):
    def fails(path):
        raise ValueError("no model")

    with pytest.raises(ValueError, match="no model"):
        write_or_keep(fails, tmp_path / "a", [tmp_path])
    assert not list(tmp_path.iterdir())


def test_places_are_those_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "full"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="The result is in"):
        write_or_keep(write, tmp_path / "no" / "table.csv")
    assert len(list(tmp_path.glob("avfusion-*/table.csv"))) == 1


def test_the_error_is_of_the_same_kind(tmp_path):
    def full(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with pytest.raises(PermissionError, match=r"could not be written \(Permission denied\)") as caught:
        write_or_keep(full, tmp_path / "a", [])
    assert caught.value.errno == errno.EACCES
