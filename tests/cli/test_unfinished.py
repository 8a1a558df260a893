import pytest

from avfusion.cli._unfinished import kept_fits


def test_fits_are_kept_beside_the_results_until_these_are_written(tmp_path, capsys):
    folder = tmp_path / ".results.fits"
    folder.mkdir()
    (folder / "a.npz").write_text("")
    with pytest.raises(KeyboardInterrupt), kept_fits(tmp_path / "results"):
        raise KeyboardInterrupt
    assert "1 finished fits are kept in" in capsys.readouterr().err
    with kept_fits(tmp_path / "results") as again:
        assert again == folder
        assert (again / "a.npz").exists()
        (again / ".b.npz.part").write_text("")  # of another process
    assert [file.name for file in folder.iterdir()] == [".b.npz.part"]


def test_fits_of_other_code_are_not_taken_over(tmp_path):
    file = tmp_path / "mine.py"
    folders = []
    for text in ("a = 1", "a = 2"):
        file.write_text(text)
        with kept_fits(tmp_path / "results", file) as folder:
            folder.mkdir(parents=True)
            folders.append(folder)
    assert folders[0] != folders[1]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_without_an_output_nothing_is_kept():
    with kept_fits(None) as folder:
        assert folder is None


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127])
def test_names_of_any_length_have_fits_of_their_own(tmp_path, name):
    folders = []
    for output in (name, name[:-1] + "b"):
        with kept_fits(tmp_path / output) as folder:
            folder.mkdir()
            folders.append(folder)
    assert folders[0] != folders[1]
