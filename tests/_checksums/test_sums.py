import os
import shutil
import subprocess

import pytest

from avfusion._checksums import SUMS, check_sums, write_sums


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "two words.json").write_bytes(bytes(range(256)))
    (tmp_path / ".hidden").write_text("of another program")
    write_sums(tmp_path)
    return tmp_path


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs the tool of that name")
def test_sha256sum_checks_the_files(folder):
    subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=folder, check=True)


def test_files_that_were_changed_are_named(folder):
    check_sums(folder)
    (folder / "table.csv").write_text("a,b\n1,3\n")
    check_sums(folder, "two words.json")
    for names in ((), ("table.csv",)):
        with pytest.raises(ValueError, match=r"table\.csv is not the file"):
            check_sums(folder, *names)
    (folder / SUMS).unlink()
    check_sums(folder)


def test_files_that_are_not_there_or_not_known_are_named(folder):
    with pytest.raises(ValueError, match=r"other\.csv is not the file"):
        check_sums(folder, "other.csv")
    (folder / "table.csv").unlink()
    with pytest.raises(ValueError, match=r"table\.csv is not the file"):
        check_sums(folder)


@pytest.mark.parametrize("name", ["/etc/hostname", "../table.csv", "a\0b", "\x1b[2J", "x" * 10_000, ".."])
def test_nothing_outside_of_the_folder_is_opened(folder, name):
    (folder / SUMS).write_text(f"{'0' * 64}  {name}\n")
    with pytest.raises(ValueError, match="no file of its folder") as caught:
        check_sums(folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 320


def test_the_list_is_a_plain_file_of_bounded_size(folder):
    (folder / SUMS).unlink()
    os.symlink("/dev/zero", folder / SUMS)
    with pytest.raises(ValueError, match="is a device"):
        check_sums(folder)
    (folder / SUMS).unlink()
    with open(folder / SUMS, "wb") as file:
        file.truncate(10**12)
    with pytest.raises(ValueError, match="such a file has at most"):
        check_sums(folder)
