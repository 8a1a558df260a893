"""Leftovers of killed writers beside a result."""

import errno
import os

import pytest

from avfusion._atomic import clear_folder, clear_leftovers, leftovers
from avfusion._atomic._leftovers import Claim

fcntl = pytest.importorskip("fcntl")
DIGITS = "0123456789abcdef" * 2


def test_leftovers_of_other_names_are_none_of_ours(tmp_path):
    for name in (
        f".store.{DIGITS}.part",
        f".store2.{DIGITS}.part",
        f".store.{DIGITS[1:]}.part",
        "store.part",
    ):
        (tmp_path / name).mkdir()
    assert [own.name for own in leftovers(tmp_path / "store")] == [f".store.{DIGITS}"]
    clear_leftovers(tmp_path / "store")
    assert len(os.listdir(tmp_path)) == 3


def test_an_old_folder_that_nothing_replaced_is_put_back(tmp_path):
    (tmp_path / f".store.{DIGITS}.old").mkdir()
    (tmp_path / f".store.{DIGITS}.old" / "frames").write_text("old")
    clear_leftovers(tmp_path / "store")
    assert os.listdir(tmp_path) == ["store"]
    (tmp_path / f".store.{DIGITS}.old").mkdir()
    clear_leftovers(tmp_path / "store")  # something is in its place
    assert os.listdir(tmp_path) == ["store"]
    assert (tmp_path / "store" / "frames").read_text() == "old"


def test_links_among_leftovers_are_not_followed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    (tmp_path / "out").mkdir()
    for kind in ("part", "old", "lock"):
        (tmp_path / "out" / f".store.{DIGITS}.{kind}").symlink_to(tmp_path / "mine")
    (tmp_path / "out" / "store").mkdir()
    clear_leftovers(tmp_path / "out" / "store")
    assert os.listdir(tmp_path / "mine") == ["thesis.tex"]


def test_a_link_is_no_old_folder(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / f".store.{DIGITS}.old").symlink_to(tmp_path / "mine")
    clear_leftovers(tmp_path / "store")
    assert os.listdir(tmp_path) == ["mine"]


def test_leftovers_of_all_names_in_a_folder(tmp_path):
    alive = Claim(tmp_path / "c.npz")
    for name in (f".a.npz.{DIGITS}.part", f".b.npz.{DIGITS}.lock", "a.npz", ".gitignore"):
        (tmp_path / name).write_text("")
    clear_folder(tmp_path)
    clear_folder(tmp_path / "no such folder")
    assert len(os.listdir(tmp_path)) == 3
    alive.release()
    assert sorted(os.listdir(tmp_path)) == [".gitignore", "a.npz"]


def test_without_locks_a_claim_is_made_and_nothing_is_cleared(tmp_path, monkeypatch):
    def no_locks(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    claim = Claim(tmp_path / "store")
    claim.part.mkdir()
    clear_leftovers(tmp_path / "store")  # nobody can tell whether its owner lives
    assert claim.part.is_dir()
    claim.release()
    assert os.listdir(tmp_path) == []


def test_a_claim_names_what_was_to_be_written(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        Claim(tmp_path / "no" / "store")
    assert caught.value.filename == str(tmp_path / "no" / "store")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_removes_nothing_of_its_parent(tmp_path):
    claim = Claim(tmp_path / "x")
    claim.part.write_text("half")
    child = os.fork()
    if child == 0:
        try:
            claim.release()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    clear_leftovers(tmp_path / "x")
    assert claim.part.read_text() == "half"
    claim.release()
    assert not list(tmp_path.iterdir())
