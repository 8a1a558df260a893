import hashlib
import http.server
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from avfusion.datasets import get_data_home
from avfusion.datasets._data_home import fetch_files

CONTENT = {"readme.txt": b"hello\n", "deep/er/table.tsv": b"onset\tduration\n0.00\t0.04\n"}
CHECKSUMS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
NOWHERE = "http://127.0.0.1:9/"  # the discard port: nobody answers


@pytest.fixture(autouse=True)
def no_waiting_between_attempts(monkeypatch):
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)


@pytest.fixture
def published(tmp_path):
    return write(tmp_path / "published")


def write(folder):
    for name, content in CONTENT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_data_home_is_the_argument_else_the_environment_else_a_folder_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("AVFUSION_DATA", str(tmp_path / "shared"))
    assert get_data_home("/somewhere/else") == Path("/somewhere/else")
    assert get_data_home() == tmp_path / "shared"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert get_data_home("~/own") == tmp_path / "own"
    for unset in (
        lambda: monkeypatch.setenv("AVFUSION_DATA", ""),
        lambda: monkeypatch.delenv("AVFUSION_DATA"),
    ):
        unset()
        assert get_data_home() == tmp_path / "avfusion_data"
    assert list(tmp_path.iterdir()) == []


def test_files_are_downloaded_once_into_the_same_relative_paths(serve, published, tmp_path):
    address, asked = serve(published)
    folder = tmp_path / "home" / "set"
    for _ in range(2):
        files = fetch_files(folder, address, CHECKSUMS)
        assert sorted(asked) == sorted(CONTENT)
    assert files == {name: folder / name for name in CONTENT}
    assert {name: path.read_bytes() for name, path in files.items()} == CONTENT
    assert files_in(folder) == set(CONTENT)


def test_a_complete_folder_needs_no_network_even_if_read_only(tmp_path):
    folder = write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    fetch_files(folder, NOWHERE, CHECKSUMS, download_if_missing=False)
    fetch_files(folder, NOWHERE, CHECKSUMS)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_only_what_is_missing_is_downloaded(serve, published, tmp_path):
    address, asked = serve(published)
    folder = write(tmp_path / "set")
    (folder / "readme.txt").unlink()
    fetch_files(folder, address, CHECKSUMS)
    assert asked == ["readme.txt"]


def test_a_missing_file_that_may_not_be_downloaded_is_an_os_error_with_the_remedy(tmp_path):
    with pytest.raises(
        OSError, match=r"readme\.txt is missing in .*set.*download_if_missing=True.*AVFUSION_DATA"
    ):
        fetch_files(tmp_path / "set", NOWHERE, CHECKSUMS, download_if_missing=False)
    assert not (tmp_path / "set").exists()


def test_a_changed_file_that_may_not_be_downloaded_is_an_os_error_and_stays(tmp_path):
    folder = write(tmp_path)
    (folder / "readme.txt").write_bytes(b"edited")
    with pytest.raises(OSError, match=r"readme\.txt has another checksum"):
        fetch_files(folder, NOWHERE, CHECKSUMS, download_if_missing=False)
    assert (folder / "readme.txt").read_bytes() == b"edited"


def test_a_changed_file_is_downloaded_again_with_a_warning(serve, published, tmp_path):
    address, asked = serve(published)
    folder = write(tmp_path / "set")
    (folder / "readme.txt").write_bytes(b"half a down")
    with pytest.warns(UserWarning, match=r"readme\.txt has another checksum"):
        fetch_files(folder, address, CHECKSUMS)
    assert asked == ["readme.txt"]
    assert (folder / "readme.txt").read_bytes() == CONTENT["readme.txt"]


def test_corrupted_content_is_an_error_and_leaves_no_file(serve, published, tmp_path):
    (published / "readme.txt").write_bytes(b"not what was published")
    address, _ = serve(published)
    with pytest.raises(ValueError, match=r"readme\.txt.*does not match the known hash"):
        fetch_files(tmp_path / "home" / "set", address, CHECKSUMS)
    assert not (tmp_path / "home").exists()


def test_no_answer_is_an_os_error_that_names_file_folder_and_address(tmp_path):
    with pytest.raises(
        OSError, match=r"readme\.txt is missing in .*set, and could not be .*127\.0\.0\.1:9.*by hand"
    ):
        fetch_files(tmp_path / "set", NOWHERE, CHECKSUMS)
    assert not (tmp_path / "set").exists()
    (tmp_path / "own").mkdir()
    with pytest.raises(OSError, match="could not be downloaded"):
        fetch_files(tmp_path / "own", NOWHERE, CHECKSUMS)
    assert list(tmp_path.iterdir()) == [tmp_path / "own"]


def test_a_file_that_the_server_lacks_is_an_os_error(serve, published, tmp_path):
    (published / "readme.txt").unlink()
    address, _ = serve(published)
    with pytest.raises(OSError, match=r"readme\.txt.*404"):
        fetch_files(tmp_path / "set", address, CHECKSUMS)


def test_a_killed_download_leaves_nothing_under_the_final_name(serve, published, tmp_path):
    half_sent, finish = threading.Event(), threading.Event()

    class HalfThenWait(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = CONTENT["readme.txt"] * 100_000
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            half_sent.set()
            finish.wait(60)

        def log_message(self, *args):
            """Keep the test output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HalfThenWait)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path / "set"
    code = (
        "import pathlib, sys; from avfusion.datasets._data_home import fetch_files; "
        "fetch_files(pathlib.Path(sys.argv[1]), sys.argv[2], {'readme.txt': sys.argv[3]})"
    )
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    child = subprocess.Popen([sys.executable, "-c", code, folder, address, CHECKSUMS["readme.txt"]])
    try:
        assert half_sent.wait(60)
        child.kill()
        assert child.wait(60) == -signal.SIGKILL
    finally:
        child.kill()
        finish.set()
        server.shutdown()
        server.server_close()
    assert not (folder / "readme.txt").exists()
    assert list(folder.iterdir())  # half a download
    address, _ = serve(published)
    assert fetch_files(folder, address, CHECKSUMS)["readme.txt"].read_bytes() == CONTENT["readme.txt"]
    assert files_in(folder) == set(CONTENT)
