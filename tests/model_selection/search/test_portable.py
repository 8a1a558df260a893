"""A fitted search works anywhere, and no password is seen or saved."""

import copy
import json
import pickle
import shutil
import threading

import cloudpickle
import joblib
import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.storages import InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion import persistence
from avfusion.model_selection.search._storage import open_storage
from tests.model_selection.search.searches import table_search

SECRET = "postgresql+psycopg://ann:s3cret@127.0.0.1:1/studies"


def by_file(write, read):
    def copied(search, folder):
        return read(write(search, folder / "model"))

    return copied


def through(dumps):
    return lambda search, folder: pickle.loads(dumps(search))


COPIES = {
    "persistence": by_file(persistence.save, persistence.load),
    "joblib": by_file(lambda search, path: joblib.dump(search, path)[0], joblib.load),
    "pickle": through(pickle.dumps),
    "cloudpickle": through(cloudpickle.dumps),
    "deepcopy": lambda search, folder: copy.deepcopy(search),
}
STORAGES = {
    "sqlite": lambda folder: f"sqlite:///{folder}/s.db",
    "journal": lambda folder: str(folder / "journal"),
    "path": lambda folder: folder / "journal",
    "memory": lambda folder: InMemoryStorage(),
    "their database": lambda folder: RDBStorage(f"sqlite:///{folder}/s.db"),
    "their journal": lambda folder: JournalStorage(JournalFileBackend(f"{folder}/journal")),
}


@pytest.mark.works_with("Optuna", "a fitted search predicts and shows its trials without its database")
@pytest.mark.parametrize("storage", STORAGES.values(), ids=STORAGES)
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_fitted_search_works_without_its_storage(table, tmp_path, storage, copied):
    X, y = table
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    search = table_search(storage=storage(there), refit=True).fit(X, y)
    expected, values = search.predict(X), [trial.value for trial in search.study_.trials]
    shutil.rmtree(there)
    assert [trial.value for trial in search.study_.trials] == values
    again = copied(search, here)
    np.testing.assert_array_equal(again.predict(X), expected)
    assert [trial.value for trial in again.study_.trials] == values
    assert again.study_.best_params == again.best_params_
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], values)
    assert "alpha" in optuna.importance.get_param_importances(again.study_)
    assert repr(again)
    assert clone(again).storage is None or isinstance(again.storage, str)
    assert not there.exists()


def test_no_file_is_made_where_the_folder_is_there(table, tmp_path):
    search = table_search(storage=f"sqlite:///{tmp_path}/there/s.db")
    (tmp_path / "there").mkdir()
    saved = pickle.dumps(search.fit(*table))
    (tmp_path / "there" / "s.db").unlink()
    assert len(pickle.loads(saved).study_.trials) == 4
    assert not list((tmp_path / "there").iterdir())


def test_a_search_that_was_loaded_goes_on_where_its_storage_is(table, tmp_path):
    search = pickle.loads(pickle.dumps(table_search(storage=f"sqlite:///{tmp_path}/s.db").fit(*table)))
    assert len(search.set_params(n_trials=6).fit(*table).study_.trials) == 6


@pytest.fixture
def no_server(monkeypatch):
    """Keep trials in memory where a search would open a server."""
    place = "avfusion.model_selection.search._study.open_storage"
    monkeypatch.setattr(place, lambda storage, shared, client=None: open_storage(None, shared))


@pytest.fixture
def secret(no_server, table):
    """Return a fitted search, the URL of whose storage has a password."""
    return table_search(storage=SECRET, refit=True).fit(*table)


def test_the_password_is_not_shown(secret):
    for model in (secret, clone(secret), make_pipeline(StandardScaler(), secret)):
        for shown in (repr(model), str(model), model._repr_html_(), str(model.get_params())):
            assert "s3cret" not in shown
            assert "ann:***@127.0.0.1" in shown


@pytest.mark.works_with("Optuna", "no password of a storage's URL in what is saved")
def test_the_password_is_not_saved(secret, tmp_path):
    for name, write in {
        "model": persistence.save,
        "joblib": lambda search, path: joblib.dump(search, path),
        "cloudpickle": lambda search, path: path.write_bytes(cloudpickle.dumps(search)),
        "search": lambda search, path: search.save(path),
    }.items():
        write(secret, tmp_path / name)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {
        "model",
        "joblib",
        "settings.json",
        "recipe.joblib",
        "trials.csv",
    }
    assert not [path for path in files if b"s3cret" in path.read_bytes()]
    assert json.loads((tmp_path / "search" / "settings.json").read_text())["storage"] == (
        "postgresql+psycopg://ann:***@127.0.0.1:1/studies"
    )
    assert "s3cret" not in json.dumps(persistence.read_header(tmp_path / "model"))


def test_the_password_is_not_in_the_record_of_a_comparison(table, tmp_path, no_server):
    X, y = table
    search = table_search(storage=SECRET, refit=True)
    result = av.compare({"search": search}, X, y, scoring="mae", cv=2, verbose=False)
    folder = result.save(tmp_path / "result")
    assert not [path for path in folder.iterdir() if b"s3cret" in path.read_bytes()]
    again = av.model_selection.rerun(folder, X, y, verbose=False)
    pd.testing.assert_series_equal(again.table["mae"], result.table["mae"])


def test_the_search_itself_keeps_the_password_and_its_clones_too(secret):
    assert secret.storage == SECRET
    assert clone(secret).storage == clone(clone(secret)).storage == SECRET
    assert pickle.loads(pickle.dumps(clone(secret))).storage == SECRET  # on the way to a worker


def test_a_loaded_search_says_what_it_lacks_to_go_on(secret):
    storage = open_storage(pickle.loads(pickle.dumps(secret)).storage, shared=False)
    with pytest.raises(ValueError, match=r"ann:\*\*\*@.* has no password: .*set_params"), storage:
        pass


def test_errors_do_not_show_the_password(table):
    with pytest.raises(ConnectionError, match=r"ann:\*\*\*@127.0.0.1:1/studies' cannot be opened") as caught:
        table_search(storage=SECRET).fit(*table)
    assert "s3cret" not in str(caught.value)


def test_clones_share_callbacks_that_cannot_be_copied():
    class Tracker:
        def __init__(self):
            self.lock = threading.Lock()

        def __call__(self, study, trial):
            pass

    callbacks = [Tracker()]
    search = av.FusionSearchCV(Ridge(), callbacks=callbacks)
    assert clone(search).callbacks is callbacks
    assert clone(search).estimator is not search.estimator
    assert search.callbacks is callbacks
