"""What an interruption leaves of a file or folder that is being written."""

import pytest

from avfusion._atomic import atomic_write


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_interrupted_write_leaves_nothing(stop, kind, tmp_path):
    def interrupted():
        with atomic_write(tmp_path / "result") as part:
            if kind == "folder":
                part.mkdir()
            (part / "table.csv" if kind == "folder" else part).write_text("half")
            raise stop

    with pytest.raises(stop):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_two_may_write_the_same_file_at_once(tmp_path):
    with atomic_write(tmp_path / "result") as one, atomic_write(tmp_path / "result") as other:
        one.write_text("one")
        other.write_text("other")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["one"]
