"""A folder in a store is the folder in memory, and a killed import leaves nothing."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from tests.store.data import assert_same

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path):
    """Names out of order, a stream that lacks files, counters, failed frames, two rates, words with times."""
    folder = tmp_path / "recordings"
    for name in ("audio", "video", "words", "labels"):
        (folder / name).mkdir(parents=True)
    for k, name in enumerate(["b", "a", "d", "c"]):
        np.save(folder / "audio" / f"{name}.npy", np.c_[np.arange(40), RNG.normal(size=(40, 2))])
        if name != "d":
            table = pd.DataFrame(RNG.normal(size=(20, 2)), columns=["smile", "gaze"][:: 1 if k else -1])
            table.insert(0, "timestamp", np.arange(20) / (10 + 10 * (k > 1)))
            table["success"] = np.arange(20) != 3
            table.to_csv(folder / "video" / f"{name}.csv", index=False)
        words = pd.DataFrame(
            {"start": [0.1, 0.9, 1.0], "end": [0.4, 0.95, 1.7], "polarity": RNG.normal(size=3)}
        )
        words.to_csv(folder / "words" / f"{name}.csv", index=False)
        np.save(folder / "labels" / f"{name}.npy", RNG.normal(size=(2, 2)))
    (folder / "metadata.csv").write_text("recording,subject,age\na,s1,20\nb,s2,\nc,s1,31\nd,s3,42\n")
    return folder


RATES = {"audio": 20, "labels": 1}


@pytest.mark.filterwarnings("ignore:Set aside")
def test_the_store_is_what_is_read_into_memory(folder, tmp_path):
    X, y = av.load_folder(folder, RATES)
    stored, labels = av.import_folder(folder, tmp_path / "store", rate_hz=RATES)
    assert_same(stored, X)
    assert_same(labels, y)
    again, _ = av.read_store(tmp_path / "store", verify=True)
    assert_same(again, X)
    assert (
        isinstance(again["audio"].array.frames.base, (np.memmap, type(None))) or again["audio"].array.frames
    )


@pytest.mark.filterwarnings("ignore:Set aside")
def test_labels_per_clip_shared_files_and_no_labels(folder, tmp_path):
    for path in (folder / "labels").iterdir():
        path.unlink()
    (folder / "labels").rmdir()
    (folder / "metadata.csv").unlink()
    (folder / "labels.csv").write_text("recording,mood\nx,1\ny,\n")
    (folder / "recordings.csv").write_text("recording,audio,video,words\ny,a,,a\nx,a,b,\n")
    X, y = av.load_folder(folder, {"audio": 20})
    stored, labels = av.import_folder(folder, tmp_path / "store", rate_hz={"audio": 20})
    assert_same(stored, X)
    assert_same(labels, y)
    assert stored["audio"].array.frames.shape == (40, 2)
    assert av.import_folder(folder, tmp_path / "other", labels=False)[1] is None


def test_the_line_of_the_user_is_named(folder, tmp_path):
    with pytest.warns(UserWarning, match="Set aside") as caught:
        av.load_folder(folder, RATES)
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.filterwarnings("ignore:Set aside")
def test_an_error_leaves_nothing(folder, tmp_path):
    (folder / "words" / "d.csv").write_text("start,end,polarity\n0,1,happy\n")
    with pytest.raises(ValueError, match=r"d\.csv cannot be read: "):
        av.import_folder(folder, tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["recordings"]
    with pytest.raises(TypeError, match="import_folder has no parameter 'rates'"):
        av.import_folder(folder, tmp_path / "store", rates=RATES)


@pytest.mark.filterwarnings("ignore:Set aside")
def test_what_is_there_is_not_replaced_unless_that_is_asked_for(folder, tmp_path):
    av.import_folder(folder, tmp_path / "store", rate_hz=RATES)
    with pytest.raises(FileExistsError, match="store"):
        av.import_folder(folder, tmp_path / "store", rate_hz=RATES)
    (folder / "audio" / "d.npy").unlink()
    X, _ = av.import_folder(folder, tmp_path / "store", rate_hz=RATES, overwrite=True)
    assert X["audio"].isna().sum() == 1


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.3, 0.6])
def test_a_killed_import_leaves_nothing_under_the_name(folder, tmp_path, delay_s):
    for k in range(400):
        np.save(folder / "audio" / f"more{k}.npy", RNG.normal(size=(2000, 3)))
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); import avfusion as av;"
        "print('ready', flush=True);"
        "av.import_folder(sys.argv[1], sys.argv[2], labels=False)"
    )
    (folder / "metadata.csv").unlink()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(tmp_path / "store")], stdout=subprocess.PIPE
    )
    process.stdout.readline()
    time.sleep(delay_s)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    if (tmp_path / "store").exists():  # it was ready before
        av.read_store(tmp_path / "store", verify=True)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, _ = av.import_folder(folder, tmp_path / "store", labels=False)
    assert len(X) == 404
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recordings", "store"]
