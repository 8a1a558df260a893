"""Files of SQLite are looked at before anything is written to them."""

import os
import sqlite3
from contextlib import closing

import pytest

from avfusion.model_selection.search import _sqlite
from avfusion.model_selection.search._database import open_database
from avfusion.model_selection.search._sqlite import absolute, check_file, file_of


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the content of a database that Optuna made."""
    path = tmp_path_factory.mktemp("good") / "s.db"
    open_database(f"sqlite:///{path}")._backend.engine.dispose()
    return path.read_bytes()


def do(path, sql):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)


def test_paths_are_absolute_and_home_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert absolute("sqlite:///s.db") == f"sqlite:///{tmp_path}/s.db"
    assert absolute("sqlite:///~/s.db?timeout=3") == "sqlite:////home/ann/s.db?timeout=3"
    for url in ("sqlite://", "sqlite:///:memory:", "sqlite:///file:s.db?uri=true", "postgresql://u:p@h/s"):
        assert absolute(url) == url
        assert file_of(url) is None


def test_files_that_are_not_there_empty_or_good_are_left_alone(tmp_path, good):
    path = tmp_path / "s.db"
    check_file(str(path))
    assert not path.exists()
    for content in (b"", good):
        path.write_bytes(content)
        check_file(str(path))
        assert path.read_bytes() == content


def test_the_database_of_another_program_is_refused_and_left_as_it_is(tmp_path):
    path = str(tmp_path / "places.db")
    do(path, "CREATE TABLE moz_places (a)")
    with pytest.raises(ValueError, match="is the database of another program, with the tables 'moz_places'"):
        open_database(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("moz_places",)]


def test_tables_beside_those_of_optuna_are_no_harm(tmp_path, good):
    (tmp_path / "s.db").write_bytes(good)
    do(tmp_path / "s.db", "CREATE TABLE notes (a)")
    check_file(str(tmp_path / "s.db"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda good: b"X" + good[1:], "is not a database of SQLite. Give the name of a new file."),
        (lambda good: b"hello\n", "is not a database of SQLite"),
        (lambda good: good[: len(good) // 2], "is damaged: .*sqlite3 s.db .recover"),
        (lambda good: good[:4096] + bytes(len(good) - 4096), "is damaged"),
    ],
)
def test_damaged_files_are_refused_with_what_can_be_saved(tmp_path, good, damage, message):
    (tmp_path / "s.db").write_bytes(damage(good))
    with pytest.raises(ValueError, match=message) as caught:
        check_file(str(tmp_path / "s.db"))
    assert len(str(caught.value)) <= 320


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DROP TABLE trial_values", "is damaged: Table trial_values is missing"),
        ("UPDATE alembic_version SET version_num = 'v99.0.0.a'", "another version of Optuna: pip install -U"),
        (
            "UPDATE alembic_version SET version_num = 'v1.3.0.a'",
            "another version of Optuna: optuna storage",
        ),
    ],
)
def test_tables_of_another_version_have_their_remedy(tmp_path, good, sql, message):
    (tmp_path / "s.db").write_bytes(good)
    do(tmp_path / "s.db", sql)
    with pytest.raises(ValueError, match=message):
        open_database(f"sqlite:///{tmp_path}/s.db")


def test_what_is_no_file_is_refused_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    os.symlink("loop", tmp_path / "loop")
    wrong = {
        "pipe": "is a pipe, socket or device",
        "loop": "Too many levels",
        ".": "is a folder",
        "a\0": "null",
    }
    for name, message in wrong.items():
        with pytest.raises(ValueError, match=message):
            check_file(str(tmp_path / name))


def test_a_database_that_another_process_holds_is_waited_for_and_then_named(tmp_path, good, monkeypatch):
    monkeypatch.setattr(_sqlite, "BUSY_S", 0.1)
    (tmp_path / "s.db").write_bytes(good)
    with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConnectionError, match=r"is held by another process for more than 0\.1 s"):
            check_file(str(tmp_path / "s.db"))


def test_a_file_that_cannot_be_written_is_named(tmp_path, good, monkeypatch):
    (tmp_path / "s.db").write_bytes(good)
    connect = sqlite3.connect

    def read_only(path, **options):
        return connect(f"file:{path}?mode=ro", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(ConnectionError, match="cannot be used: attempt to write a readonly database"):
        check_file(str(tmp_path / "s.db"))
