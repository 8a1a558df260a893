"""The words for an error on the command line, and the exit code that goes with it."""

_BAD_INPUT = (ValueError, TypeError, OSError, ImportError)
_LINES, _CHARACTERS = 3, 500  # of a message; --debug shows all of it


def reported(error):
    """Return the exit code and the words for an error.

    This is the one place that decides so: errors of the four kinds that this package raises on purpose are
    about what was given. All others are failures, of which a user sees one line, too: a traceback is for
    who asks for it.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    code : int
        2 if something is wrong with what was given, 1 after a failure.
    text : str
        Of at most three lines.

    Examples
    --------
    >>> reported(ValueError("clips.parquet has no rows."))
    (2, 'clips.parquet has no rows.')
    >>> reported(KeyError("width"))
    (1, "Unexpected failure: KeyError: 'width'. Repeated with --debug, the command shows where.")
    """
    kind = error
    if isinstance(error, RuntimeError) and error.__cause__ is not None:  # of a fit in `compare`
        kind = error.__cause__
    if isinstance(kind, MemoryError):
        return 1, f"There is not enough memory. {_shortened(error)}".rstrip()
    if isinstance(kind, _BAD_INPUT):
        return 2, _shortened(error) or f"{type(error).__name__}, without a word. --debug shows where."
    words = _shortened(error).rstrip(".")
    name = type(error).__name__ + (": " if words else "")
    return 1, f"Unexpected failure: {name}{words}. Repeated with --debug, the command shows where."


def _shortened(error):
    """Return the first lines of a message, as those of other libraries may be long."""
    lines = [line.rstrip() for line in str(error).splitlines() if line.strip()]
    text = "\n".join(lines[:_LINES])
    if len(text) > _CHARACTERS or len(lines) > _LINES:
        text = f"{text[:_CHARACTERS].rstrip()}... (--debug shows all)"
    return text
