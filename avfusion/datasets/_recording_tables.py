"""Tables with a row for each recording: metadata, and labels per clip."""

import warnings

from avfusion.datasets._similar_names import near_matches
from avfusion.formats._csv import read_table
from avfusion.formats._registry import brief_reason
from avfusion.sequences._messages import quoted

RECORDING = "recording"


def read_recording_table(path, names):
    """Read a table with a row for each recording.

    Parameters
    ----------
    path : pathlib.Path
        With the column "recording", whose words are names, whatever they look like, and at least one more.
    names : pandas.Index
        The recordings.

    Returns
    -------
    pandas.DataFrame
        In the order of `names`.

    Raises
    ------
    ValueError
        If it cannot be read, or has not one row for each recording.
    """
    try:
        table, _ = read_table(path, text=(RECORDING, RECORDING.title(), RECORDING.upper()))
    except (ValueError, UnicodeError) as error:  # pandas' errors of reading are ValueErrors
        raise ValueError(f"{path} cannot be read: {brief_reason(error)}.") from error
    table = table.loc[:, [not str(name).startswith("Unnamed: ") for name in table.columns]]
    if RECORDING not in table.columns:
        table = table.rename(columns=lambda name: RECORDING if str(name).lower() == RECORDING else name)
    if RECORDING not in table.columns or table.shape[1] < 2:
        raise ValueError(
            f"{path} needs the column 'recording', with the names of the files without .npy or .csv, and at "
            f"least one more; its columns are {quoted(table.columns)}."
        )
    repeated = table[RECORDING][table[RECORDING].duplicated()]
    if len(repeated):
        raise ValueError(
            f"{path} has two rows for the recording {repeated.iloc[0]!r}: remove one of them. Labels of each "
            "step are files of their own, in labels/, one for each recording."
        )
    table = table.assign(**{RECORDING: _without_suffixes(table[RECORDING].astype(str), names)})
    table = table.set_index(RECORDING)
    missing = names.difference(table.index)
    if len(missing):
        raise ValueError(
            f"{path} has no row for {quoted(missing, limit=3)}{_nearly(missing, table.index)}: add one for "
            "every recording, under its name."
        )
    warn_of_others(table.index, names, path)
    return table.loc[names].set_axis(names)


def _without_suffixes(found, names):
    """Return names of recordings, of files such as a.wav the name a where that is one, and no other row's."""
    plain = found.str.strip().str.replace("\\", "/").str.rsplit("/", n=1).str[-1].str.rsplit(".", n=1).str[0]
    known = set(names)
    if known.intersection(found) or not plain.is_unique:
        return found
    return plain.where(plain.isin(known), found)


def _nearly(missing, found):
    """Return, in brackets, a name in a table that nearly is one that is missing, if there is one."""
    pairs = near_matches({"missing": set(missing), "found": {str(name) for name in found}})
    return f" ({pairs[0][3]!r} may be meant for {pairs[0][1]!r})" if pairs else ""


def warn_of_others(found, names, path):
    """Warn of labels or metadata of recordings without features.

    Parameters
    ----------
    found : iterable of str
        Recordings that have some.
    names : pandas.Index
        Recordings with features.
    path : pathlib.Path
        Where they are.
    """
    known = set(names)
    others = [name for name in found if name not in known]
    if others:
        warnings.warn(
            f"{path} has recordings without features, which are left out: {quoted(others, limit=3)}.",
            stacklevel=6,
        )
