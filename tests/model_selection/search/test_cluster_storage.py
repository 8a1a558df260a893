"""Storages that all workers of a cluster must reach."""

import optuna
import pytest

from avfusion.model_selection.search._cluster_storage import check_reached, file_of, scheduler_storage


class Cluster:
    """A client of two workers, of which one sees no files."""

    def run(self, function, *args):
        return {"tcp://here:1": function(*args), "tcp://there:2": False}


def test_a_file_that_a_worker_does_not_have_is_refused(tmp_path):
    path = tmp_path / "journal"
    path.touch()
    for storage in (path, f"sqlite:///{path}"):
        with pytest.raises(ValueError, match=r"missing on 1 of the workers: .*tcp://there:2"):
            check_reached(storage, Cluster())


def test_databases_and_storages_of_optuna_are_not_files():
    assert file_of(None) is None
    assert file_of("postgresql+psycopg://user@host:5432/studies") is None
    assert file_of("sqlite://") is None
    assert file_of(optuna.storages.InMemoryStorage()) is None
    check_reached("mysql://host/studies", None)


def test_relative_files_are_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert file_of("journal") == str(tmp_path / "journal")


def test_a_client_that_was_closed_does_not_hide_the_error():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        pytest.raises(ArithmeticError),
        scheduler_storage(client),
    ):
        close_and_fail(client)


def close_and_fail(client):
    client.close()
    raise ArithmeticError
