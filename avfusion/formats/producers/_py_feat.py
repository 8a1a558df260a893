"""Tables of py-feat."""

import pandas as pd

from avfusion.formats._format import Part, Producer
from avfusion.formats._recording_names import by_recording
from avfusion.formats.producers._faces import seen_most, tell, with_all_frames


def recognises(table):
    """Return whether a table is one of py-feat, by the box of the face and its score.

    Examples
    --------
    >>> recognises(pd.DataFrame(columns=["FaceRectX", "FaceRectY", "FaceScore", "AU01", "input", "frame"]))
    True
    """
    return {"FaceRectX", "FaceScore", "frame"} <= set(table.columns)


def parts(table):
    """Return a part for each video, and keep one face of it.

    Where frames show several, that is the identity that is seen most, or, where there are no identities, the
    face with the highest score of each frame. A warning tells.

    Parameters
    ----------
    table : pandas.DataFrame
        Where "input" changes from row to row, it names the images of one recording.

    Yields
    ------
    Part

    Examples
    --------
    >>> table = pd.DataFrame({"FaceRectX": [1.0, 2.0], "FaceScore": [0.9, 0.9], "AU01": [0.1, 0.2]})
    >>> table = table.assign(input=["a.mp4", "b.mp4"], frame=[0, 0])
    >>> [part.recording for part in parts(pd.concat([table, table.assign(frame=1)]))]
    ['a', 'b']
    """
    table = table.drop(columns="approx_time", errors="ignore")  # in whole seconds: frames are counted
    if not _has_videos(table):
        yield Part(_one_face(table), named=True)
        return
    for name, rows, about in by_recording(table, ["input"]):
        rows.attrs["stem"] = name
        yield Part(_one_face(rows), named=True, recording=name, about=about)


def _has_videos(table):
    """Return whether rows are of several videos; images each have a frame of their own."""
    if "input" not in table.columns or table["input"].isna().any():
        return False
    n_inputs, n_frames = len(table["input"].unique()), len(table["frame"].unique())
    n_pairs = len(table[["input", "frame"]].drop_duplicates())
    return n_inputs > 1 and (n_pairs > n_inputs or n_frames == 1)


def _one_face(table):
    if not table["frame"].duplicated().any():
        return table
    n_frames = table["frame"].nunique()
    most = int(table["frame"].value_counts().iloc[0])
    faces = table["Identity"].dropna().unique() if "Identity" in table.columns else ()
    if len(faces) > 1:
        face = seen_most(table.dropna(subset="Identity"), "Identity", "FaceScore")
        own = table["Identity"] == face
        tell(table, len(faces), face, f"seen in {int(own.sum())} of {n_frames} frames")
        return with_all_frames(table[own], table, "frame", table.columns.intersection(["input"]))
    tell(table, most, "the one with the highest score in each frame", "there are no identities")
    scores = pd.to_numeric(table["FaceScore"], errors="coerce").fillna(-1)
    best = scores.groupby(table["frame"]).idxmax()
    return table.loc[best].reset_index(drop=True)


PRODUCER = Producer("py-feat", recognises, parts)
