"""Tables with several faces in a frame: one face is kept."""

import warnings

import pandas as pd

from avfusion.sequences._messages import brief


def check_frames(table, frame):
    """Return the table in the order of its frames; refuse a frame that is repeated.

    Examples
    --------
    >>> check_frames(pd.DataFrame({"frame": [2, 1], "AU01_r": [0.2, 0.1]}), "frame")["AU01_r"].tolist()
    [0.1, 0.2]
    """
    repeated = table[frame][table[frame].duplicated()]
    if len(repeated):
        raise ValueError(f"The frame {repeated.iloc[0]} is there twice for one face: remove a row.")
    return table.sort_values(frame, kind="stable", ignore_index=True)


def with_all_frames(kept, table, frame, same):
    """Return the rows of a face, and a row of missing values for each frame in which only others are.

    Parameters
    ----------
    kept, table : pandas.DataFrame
        The rows of one face, and those of all.
    frame : str
        Column of frame numbers.
    same : list of str
        Columns that all faces of a frame share, such as a clock.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> table = pd.DataFrame({"frame": [1, 1, 2], "face_id": [0, 1, 1], "AU01_r": [0.1, 0.2, 0.3]})
    >>> with_all_frames(table[:1], table, "frame", [])["AU01_r"].tolist()
    [0.1, nan]
    """
    frames = table.drop_duplicates(frame).sort_values(frame, kind="stable")
    if len(frames) == len(kept):
        return check_frames(kept, frame)
    rows = check_frames(kept, frame).set_index(frame).reindex(frames[frame])
    for name in same:
        rows[name] = frames[name].to_numpy()
    return rows.reset_index()[list(table.columns)]


def tell(table, n_faces, kept, how):
    """Warn that faces are left out.

    Parameters
    ----------
    table : pandas.DataFrame
        Whose attribute "stem" is the name of the file.
    n_faces : int
    kept : object
        The face that is kept.
    how : str
        Why.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     tell(pd.DataFrame(), 2, 0, "it is seen in 3 of 4 frames")
    >>> print(caught[0].message)
    2 faces in one file: 0 is kept (it is seen in 3 of 4 frames). Write a file for each face to use the
    others.
    """
    where = "one file" if (stem := table.attrs.get("stem")) is None else brief(stem)
    warnings.warn(
        f"{n_faces} faces in {where}: {kept} is kept ({how}). Write a file for each face to use the others.",
        stacklevel=2,
    )


def seen_most(table, face, score):
    """Return the face with the most rows, of equal ones that with the highest score on average.

    Examples
    --------
    >>> table = pd.DataFrame({"face_id": [0, 1, 1], "confidence": [0.9, 0.5, 0.7]})
    >>> int(seen_most(table, "face_id", "confidence"))
    1
    """
    scores = pd.to_numeric(table[score], errors="coerce")
    by_face = scores.groupby(table[face], sort=False).agg(["size", "mean"])
    return by_face.sort_values(["size", "mean"], kind="stable").index[-1]
