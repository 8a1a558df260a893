"""URLs that hold a password: what is shown, logged or saved of them does not."""

import re

# The password of scheme://user:password@host, where a user may be name@domain and a password that was not
# quoted may have an @ too; and one in the query behind the host.
_OF_USER = re.compile(r"(://[^:/\s]*:)\S+(?=@)")
_WITH_SPACES = re.compile(r"(^[\w+.-]+://[^:/]*:).+(?=@)", re.DOTALL)
_IN_QUERY = re.compile(r"([?&;](?:password|passwd|pwd|sslpassword|odbc_connect)=)[^&\s'\"]+", re.IGNORECASE)


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
    hidden = _WITH_SPACES.sub(r"\1***", str.__str__(text))
    return _IN_QUERY.sub(r"\1***", _OF_USER.sub(r"\1***", hidden))


def plain_url(text):
    """Return a URL with its password, as a text that shows it; what is no URL, as it is.

    Parameters
    ----------
    text : str, sqlalchemy.URL or object

    Examples
    --------
    >>> plain_url(Url("postgresql://ann:secret@host"))
    'postgresql://ann:secret@host'
    """
    if hasattr(text, "render_as_string"):  # of SQLAlchemy
        return text.render_as_string(hide_password=False)
    return str.__str__(text) if isinstance(text, str) else text


class Url(str):
    """A text that is shown without its password, as `str` and in formats too; its value is unchanged.

    Examples
    --------
    >>> Url("postgresql://ann:secret@host/studies")
    'postgresql://ann:***@host/studies'
    >>> Url("postgresql://ann:secret@host") == "postgresql://ann:secret@host"
    True
    """

    __slots__ = ()

    def __new__(cls, text):
        """Keep the value of another `Url` too."""
        return super().__new__(cls, plain_url(text))

    def __repr__(self):
        return repr(without_password(self))

    def __str__(self):
        return without_password(self)  # as trackers write parameters

    def __format__(self, form):
        return format(str(self), form)
