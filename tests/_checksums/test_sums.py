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
