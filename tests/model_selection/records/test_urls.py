import copy
import pickle

import pytest
import sqlalchemy

from avfusion.model_selection.records._urls import Url, plain_url, without_password


@pytest.mark.parametrize("password", ["secret", "p/w", "a:b", "%40x"])
def test_the_password_that_sqlalchemy_reads_is_hidden(password):
    url = f"postgresql+psycopg://ann:{password}@host:5432/studies?sslmode=require"
    assert sqlalchemy.make_url(url).password in (password, "@x")
    hidden = "postgresql+psycopg://ann:***@host:5432/studies?sslmode=require"
    assert without_password(url) == hidden
    assert without_password(f"Cannot open {url!r}.") == f"Cannot open {hidden!r}."
    assert hidden in repr(Url(url))


def test_a_password_in_the_query_is_hidden():
    url = "postgresql://host/studies?user=ann&password=secret&sslmode=require"
    assert without_password(url) == "postgresql://host/studies?user=ann&password=***&sslmode=require"


@pytest.mark.parametrize(
    "text", ["sqlite:///a@b.db", "sqlite:////C:/x.db", "http://ann@host:80/a", "a: b@c", ""]
)
def test_other_texts_stay(text):
    assert without_password(text) == text


def test_the_value_stays_also_in_copies():
    url = Url("postgresql://ann:secret@host")
    for again in (pickle.loads(pickle.dumps(url)), copy.deepcopy(url)):
        assert again == "postgresql://ann:secret@host"
        assert "secret" not in repr(again)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann@corp:secret@host/studies",  # a user as Azure has them
        "postgresql://ann:my secret@host/studies",
        "postgresql://ann:sec@ret@host/studies",
        "postgresql://host/studies?user=ann;password=secret",
        "mssql+pyodbc:///?odbc_connect=UID%3Dann%3BPWD%3Dsecret",
    ],
)
def test_passwords_of_unusual_urls_are_hidden(url):
    assert "ret" not in without_password(url)
    assert without_password(url).startswith(url.partition(":")[0])


def test_a_url_is_shown_without_its_password_wherever_it_is_written():
    url = Url(Url("postgresql://ann:secret@host"))
    for shown in (str(url), f"{url}", f"{url:>40}", f"{url!r}", f"{url}"):
        assert "ann:***@host" in shown
    assert plain_url(url) == "postgresql://ann:secret@host"
    assert "secret" in str(plain_url(url))
