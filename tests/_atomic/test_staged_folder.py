"""What is left of a store when its writer is stopped, at any moment."""

import os
import subprocess
import sys
import textwrap

import pytest

from avfusion._atomic import StagedFolder, clear_leftovers, leftovers
from avfusion._atomic import _staged_folder as module

fcntl = pytest.importorskip("fcntl")

# Children of one process write the same store and are killed at their 1st, 2nd, ... access to its files.
KILLED = textwrap.dedent(
    """
    import os, shutil, signal, sys
    import numpy as np, pandas as pd
    import avfusion as av
    from pathlib import Path
    from avfusion._atomic import clear_leftovers

    folder, before = sys.argv[1], sys.argv[2] == "before"
    path = os.path.join(folder, "store")

    def data(value):
        X = av.as_sequences({"audio": [np.full((5, 2), value, "float32")]})
        return X.assign(subject="s"), [np.full(5, float(value))]

    def written():
        X, y = av.read_store(path, verify=True)
        return float(X["audio"].array.frames.sum()) / 10, sorted(os.listdir(path))

    def kill_at(number):
        count = 0
        def hook(event, arguments):
            nonlocal count
            if event.startswith(("open", "os.", "shutil.", "fcntl.")) and "store" in str(arguments) + event:
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)

    files = None
    for number in range(1, 300):
        if before:
            av.write_store(path, *data(1), overwrite=True)
            files = files or written()[1]
        child = os.fork()
        if child == 0:
            kill_at(number)
            av.write_store(path, *data(2), overwrite=before)
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        left = [name for name in os.listdir(folder) if name != "store"]
        if before and not os.path.exists(path):
            assert [name for name in left if name.endswith(".old")], left
            try:
                av.read_store(path)
            except FileNotFoundError as error:
                assert "The former one is whole" in str(error)
        elif os.path.exists(path):
            value, found = written()
            assert value == 2 or before
            files = files or found
            assert found == files, (found, files)
        clear_leftovers(Path(path))
        assert os.listdir(folder) in ([], ["store"])
        if before:
            assert written()[0] in (1, 2)
        elif os.path.exists(path):
            shutil.rmtree(path)
        if ended == 0:
            print("killed", number - 1)
            break
    """
)


@pytest.mark.slow
@pytest.mark.parametrize("before", ["before", "nothing"])
def test_a_store_is_whole_or_not_there_wherever_its_writer_is_killed(before, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), before], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    word, number = run.stdout.split()
    assert word == "killed"
    assert int(number) > 10


def test_what_a_living_writer_has_is_left_alone(tmp_path):
    staged = StagedFolder(tmp_path / "store")
    (staged.part / "frames").write_text("half")
    other = StagedFolder(tmp_path / "store")  # which clears what nobody owns
    assert (staged.part / "frames").read_text() == "half"
    staged.commit()
    with pytest.raises(FileExistsError, match="exists already"):
        other.commit()
    other.discard()
    assert os.listdir(tmp_path) == ["store"]
    assert (tmp_path / "store" / "frames").read_text() == "half"


def test_an_error_at_the_end_leaves_the_old_folder(tmp_path, monkeypatch):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "old").write_text("")
    staged = StagedFolder(tmp_path / "store", lambda path: True)
    real = os.rename

    def rename(source, target):
        if str(source).endswith(".part"):
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(module, "exchange", lambda one, other: False)  # as on a disk that cannot do it
    with pytest.raises(KeyboardInterrupt):
        staged.commit()
    assert os.listdir(tmp_path) == ["store"]
    assert os.listdir(tmp_path / "store") == ["old"]


def test_leftovers_of_other_folders_are_none_of_ours(tmp_path):
    digits = "0123456789abcdef" * 2
    for name in (
        f".store.{digits}.part",
        f".store2.{digits}.part",
        f".store.{digits[1:]}.part",
        "store.part",
    ):
        (tmp_path / name).mkdir()
    assert [own.name for own in leftovers(tmp_path / "store")] == [f".store.{digits}"]
    clear_leftovers(tmp_path / "store")
    assert len(os.listdir(tmp_path)) == 3


def test_links_are_followed_to_the_folder_that_they_name(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    staged = StagedFolder(tmp_path / "link", lambda path: True)
    (staged.part / "new").write_text("")
    staged.commit()
    assert (tmp_path / "link").is_symlink()
    assert os.listdir(tmp_path / "real") == ["new"]


def test_a_folder_needs_a_place(tmp_path):
    with pytest.raises(FileNotFoundError, match="Make it first"):
        StagedFolder(tmp_path / "no" / "store")
