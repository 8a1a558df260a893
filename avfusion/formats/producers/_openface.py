"""Tables of OpenFace 1 and 2."""

import pandas as pd

from avfusion.formats._format import Part, Producer
from avfusion.formats.producers._faces import seen_most, tell, with_all_frames

_FEATURES = ("AU", "gaze_", "pose_", "eye_lmk_", "x_", "X_", "p_")


def recognises(table):
    """Return whether a table is one of OpenFace: frames or faces with a confidence, and features of a face.

    Examples
    --------
    >>> recognises(pd.DataFrame(columns=["frame", "timestamp", "confidence", "success", "pose_Tx"]))
    True
    >>> recognises(pd.DataFrame(columns=["face", "confidence", "age"]))
    False
    """
    names = [str(name) for name in table.columns]
    sequence = {"frame", "confidence", "success"} <= set(names)
    image = names[:2] == ["face", "confidence"]
    return (sequence or image) and any(name.startswith(_FEATURES) for name in names)


def parts(table):
    """Keep one face.

    Where frames show several, that is the one that was tracked with success in most frames, of equal ones
    the one with the highest confidence; frames without it are not observed. A warning tells. In the table of
    an image it is the face with the highest confidence.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    list of Part

    Examples
    --------
    >>> names = ["frame", "face_id", "timestamp", "confidence", "success", "AU01_r"]
    >>> table = pd.DataFrame([[1, 0, 0.0, 0.9, 1, 0.5], [2, 0, 0.04, 0.9, 1, 0.7]], columns=names)
    >>> parts(table)[0].n_steps
    2
    """
    if "frame" not in table.columns:
        return [Part(_of_image(table), named=True)]
    if "face_id" not in table.columns or not table["frame"].duplicated().any():
        return [Part(table, named=True)]
    success = pd.to_numeric(table["success"], errors="coerce") > 0
    face = seen_most(table[success] if success.any() else table, "face_id", "confidence")
    own = table["face_id"] == face
    tell(
        table,
        table["face_id"].nunique(),
        f"face_id {face}",
        f"tracked in {int((own & success).sum())} of {table['frame'].nunique()} frames",
    )
    same = [name for name in ("timestamp",) if name in table.columns]
    rows = with_all_frames(table[own], table, "frame", same)
    absent = rows["success"].isna()
    rows.loc[absent, ["success", "confidence"]] = 0
    rows.loc[absent, "face_id"] = face
    return [Part(rows, named=True)]


def _of_image(table):
    if len(table) < 2:
        return table
    best = pd.to_numeric(table["confidence"], errors="coerce").idxmax()
    tell(table, len(table), f"face {table['face'].loc[best]}", "the highest confidence")
    return table.loc[[best]].reset_index(drop=True)


PRODUCER = Producer("OpenFace", recognises, parts)
