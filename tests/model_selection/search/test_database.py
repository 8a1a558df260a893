"""Databases: opened by several at once, patient, and clear about what is wrong, without a password."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy

from avfusion.model_selection.search import _database
from avfusion.model_selection.search._database import lost_database, open_database
from benchmarks.postgresql import PASSWORD


@pytest.fixture
def empty(server):
    """Return the URL of a database without tables."""
    engine = sqlalchemy.create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("DROP DATABASE IF EXISTS fresh WITH (FORCE)"))
        connection.execute(sqlalchemy.text("CREATE DATABASE fresh"))
    engine.dispose()
    return server.url.replace("/studies", "/fresh")


def check_many_open(url):
    with ThreadPoolExecutor(8) as pool:
        storages = list(pool.map(open_database, [url] * 8))
    assert all(storage.get_all_studies() == [] for storage in storages)
    for storage in storages:
        storage._backend.engine.dispose()


def test_an_empty_database_is_opened_at_the_same_moment(empty):
    check_many_open(empty)


def test_a_file_that_is_not_there_is_opened_at_the_same_moment(tmp_path):
    check_many_open(f"sqlite:///{tmp_path}/s.db")


def test_databases_have_heartbeats_also_in_other_processes(tmp_path):
    storage = open_database(f"sqlite:///{tmp_path}/s.db")
    again = pickle.loads(pickle.dumps(storage))
    assert storage.get_heartbeat_interval() == again.get_heartbeat_interval() == _database.HEARTBEAT_S
    assert again._backend.grace_period > _database.PATIENCE_S + _database.HEARTBEAT_S
    assert again.get_all_studies() == []


def test_a_server_that_is_started_again_is_waited_for(server):
    storage = open_database(server.url)
    known = storage.get_all_studies()
    server.stop()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(storage.get_all_studies)
        with pytest.raises(TimeoutError):
            answer.result(timeout=1.5)
        server.start()
        assert answer.result(timeout=30) == known


@pytest.mark.works_with(
    "PostgreSQL",
    "a wrong password, host or database: one line, without the password",
    refused=True,
)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("s3cret", "wr0ng"), 'password authentication failed for user "ann"'),
        (("127.0.0.1", "no.such.host"), "no.such.host"),
        (("/studies", "/other"), 'database "other" does not exist'),
    ],
)
def test_what_a_server_refuses_is_said_in_one_line_without_the_password(server, change, reason):
    url = server.url.replace(*change)
    with pytest.raises(ConnectionError) as caught:
        open_database(url)
    message = str(caught.value)
    assert reason in message
    assert "Check host, port, user and password" in message
    assert "\n" not in message
    assert len(message) <= 320
    assert PASSWORD not in message
    assert "s3cret" not in message
    assert "wr0ng" not in message
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("bogus://ann:secret@host/s", ValueError, "is not the URL of a database that can be used"),
        ("postgresql://ann:secret@host:x/s", ValueError, "is not the URL of a database that can be used"),
        ("sqlite:///s.db?timeout=soon", ValueError, "check the value of 'timeout' after the question"),
        ("sqlite:////no/such/folder/s.db", ConnectionError, "Check that its folder exists"),
    ],
)
def test_urls_that_lead_nowhere(url, error, message):
    with pytest.raises(error, match=message) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("driver", "package"),
    [("psycopg", r"pip install 'psycopg\[binary\]'"), ("psycopg2", "pip install psycopg2-binary.*psycopg 3")],
)
def test_a_driver_that_is_missing_has_its_remedy(monkeypatch, driver, package):
    monkeypatch.setitem(sys.modules, driver, None)  # so that its import fails
    with pytest.raises(ImportError, match=package) as caught:
        open_database(f"postgresql+{driver}://ann:secret@host/studies")
    assert "secret" not in str(caught.value)


def test_a_database_that_goes_away_is_said_with_the_study():
    error = lost_database(RuntimeError("at postgresql://ann:secret@host/s"), "emotions")
    assert "The storage of study 'emotions' fails: at postgresql://ann:***@host/s." in str(error)
