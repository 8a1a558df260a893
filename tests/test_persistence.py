"""Model files: what comes back, what is refused, and what an interruption leaves."""

import json
import os
import pickle
import re
import zipfile

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion import persistence
from avfusion._versions import package_versions


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(6, duration_s=(20, 30), random_state=0)


@pytest.fixture(scope="module")
def network(data):
    network = av.RecursiveJointAttentionRegressor(hidden_size=4, max_epochs=2, random_state=0)
    return make_pipeline(av.Align(rate_hz=1.0), network).fit(*data)


def test_a_network_predicts_the_same_after_a_round_trip(data, network, tmp_path):
    path = persistence.save(network, tmp_path / "film.model")
    assert [file.name for file in tmp_path.iterdir()] == ["film.model"]
    again = persistence.load(path)
    expected, predicted = network.predict(data[0]), again.predict(data[0])
    assert predicted.dtype == expected.dtype
    np.testing.assert_array_equal(predicted.array.frames, expected.array.frames)
    np.testing.assert_array_equal(predicted.array.lengths, expected.array.lengths)


def test_the_header_tells_what_the_model_reads_and_predicts(network, tmp_path):
    header = persistence.read_header(persistence.save(network, tmp_path / "film.model"))
    assert header["modalities"] == {
        "audio": {"width": 6, "rate_hz": 10.0},
        "video": {"width": 8, "rate_hz": 5.0},
    }
    assert header["targets"] == {"names": ["label"], "per_frame": True}
    assert header["versions"]["avfusion"] == av.__version__
    assert {"python", "torch", "scikit-learn", "numpy"} <= set(header["versions"])


def test_the_header_is_plain_json_of_a_zip_archive(network, tmp_path):
    path = persistence.save(network, tmp_path / "film.model")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("avfusion.json")) == persistence.read_header(path)


def test_the_header_looks_into_searches(data, tmp_path):
    search = GridSearchCV(av.FrameRegressor(), {"regressor": [Ridge(), Ridge(10)]}, cv=2)
    model = make_pipeline(av.Align(rate_hz=1.0), search).fit(*data)
    header = persistence.read_header(persistence.save(model, tmp_path / "search.model"))
    assert header["targets"]["names"] == ["label"]
    assert header["modalities"]["audio"]["rate_hz"] == 10.0


def test_estimators_of_scikit_learn_get_their_target_names_from_the_caller(data, tmp_path):
    X, _ = data
    model = make_pipeline(av.Functionals(), Ridge()).fit(X, np.arange(len(X)))
    header = persistence.read_header(persistence.save(model, tmp_path / "m", target_names=["mood"]))
    assert header["targets"] == {"names": ["mood"], "per_frame": None}


def versions_with_torch(number):
    return lambda names: package_versions(names) | {"torch": number}


def test_a_model_of_other_versions_is_loaded_with_a_warning(data, network, tmp_path, monkeypatch):
    versions = package_versions()
    monkeypatch.setattr(persistence, "package_versions", versions_with_torch("1.0"))
    path = persistence.save(network, tmp_path / "old.model")
    monkeypatch.undo()
    with pytest.warns(UserWarning, match=rf"saved with torch 1.0 \(here {re.escape(versions['torch'])}"):
        again = persistence.load(path)
    assert len(again.predict(data[0])) == 6


def test_versions_of_a_header_are_printable_in_warnings(data, network, tmp_path, monkeypatch):
    odd = {f"\x1b[2J{k}": "1\x1b[2J" for k in range(100)} | {"python": "\x1b]0;2\x07" + "9" * 999}
    monkeypatch.setattr(persistence, "package_versions", lambda packages: odd)
    path = persistence.save(network, tmp_path / "odd.model")
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="and 95 more") as caught:
        persistence.load(path)
    assert all(str(one.message).isprintable() and len(str(one.message)) < 1000 for one in caught)


def test_a_newer_format_is_refused(network, tmp_path, monkeypatch):
    monkeypatch.setattr(persistence, "FORMAT", 2)
    path = persistence.save(network, tmp_path / "new.model")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="newer: upgrade"):
        persistence.load(path)


def _text(path):
    path.write_text("hello")


def _pickle(path):
    path.write_bytes(pickle.dumps(Ridge()))


def _other_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")


@pytest.mark.parametrize("write", [_text, _pickle, _other_archive])
def test_other_files_are_refused(write, tmp_path):
    write(tmp_path / "file")
    assert not persistence.is_model(tmp_path / "file")
    with pytest.raises(ValueError, match="file is not a model that avfusion saved"):
        persistence.load(tmp_path / "file")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*gone\.model"):
        persistence.load(tmp_path / "gone.model")


def test_half_a_file_is_refused(network, tmp_path):
    path = persistence.save(network, tmp_path / "film.model")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match="only a part of one"):
        persistence.load(path)


def test_a_changed_byte_is_noticed(network, tmp_path):
    path = persistence.save(network, tmp_path / "film.model")
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("model.joblib")
    content = bytearray(path.read_bytes())
    content[member.header_offset + 100 + member.file_size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        persistence.load(path)


def test_an_unfitted_estimator_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Only a fitted estimator can be saved"):
        persistence.save(av.FrameRegressor(), tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_pickled_is_refused_and_leaves_the_old_file(data, network, tmp_path):
    path = persistence.save(network, tmp_path / "film.model")
    before = path.read_bytes()
    odd = av.FrameRegressor().fit(av.Align(rate_hz=1.0).fit_transform(data[0]), data[1])
    odd.note = (number for number in ())
    with pytest.raises(ValueError, match=r"cannot be saved .*generator"):
        persistence.save(odd, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["film.model"]


def test_a_model_of_code_that_is_gone_says_so(network, tmp_path, monkeypatch):
    (tmp_path / "mymodels.py").write_text("from sklearn.linear_model import Ridge\nclass Mine(Ridge): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import mymodels

    path = persistence.save(mymodels.Mine().fit([[1.0], [2.0]], [1.0, 2.0]), tmp_path / "mine.model")
    monkeypatch.undo()
    monkeypatch.delitem(__import__("sys").modules, "mymodels")
    with pytest.raises(
        ValueError, match=r"needs code that is not installed: No module named 'mymodels'.*PYTHONPATH"
    ):
        persistence.load(path)


def test_builds_of_one_version_are_the_same(data, network, tmp_path, monkeypatch, recwarn):
    versions = package_versions()
    number = versions["torch"].split("+")[0]
    monkeypatch.setattr(persistence, "package_versions", versions_with_torch(f"{number}+cu999"))
    path = persistence.save(network, tmp_path / "film.model")
    monkeypatch.undo()
    persistence.load(path)
    assert not [w for w in recwarn if "saved with" in str(w.message)]


def test_what_is_no_regular_file_is_no_model(tmp_path):
    os.mkfifo(tmp_path / "fifo.model")
    assert not persistence.is_model(tmp_path / "fifo.model")
    assert not persistence.is_model("/dev/zero")
