"""URLs that hold a password: what is shown, logged or saved of them does not."""

import re

# The password of scheme://user:password@host, as SQLAlchemy reads it, and one in the query behind the host.
_OF_USER = re.compile(r"(://[^:/@\s]*:)[^@\s]+(?=@)")
_IN_QUERY = re.compile(r"([?&](?:password|passwd|pwd|sslpassword)=)[^&\s'\"]+", re.IGNORECASE)


def without_password(text):
    """Replace the passwords of all URLs in a text by three stars.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> without_password("postgresql://ann:secret@host/studies?sslmode=require")
    'postgresql://ann:***@host/studies?sslmode=require'
    >>> without_password("sqlite:///study.db")
    'sqlite:///study.db'
    """
    return _IN_QUERY.sub(r"\1***", _OF_USER.sub(r"\1***", text))


class Url(str):
    """A text whose representation has no password; its value is unchanged.

    Examples
    --------
    >>> Url("postgresql://ann:secret@host/studies")
    'postgresql://ann:***@host/studies'
    >>> Url("postgresql://ann:secret@host") == "postgresql://ann:secret@host"
    True
    """

    __slots__ = ()

    def __repr__(self):
        return repr(without_password(str(self)))
