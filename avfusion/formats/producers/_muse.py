"""Tables of the MuSe challenges: milliseconds, and the segment of each row."""

import numpy as np
import pandas as pd

from avfusion.formats._format import Part, Producer

_LEAST = 20  # milliseconds between rows


def recognises(table):
    """Return whether a table has a time in milliseconds and the segment of each row.

    Examples
    --------
    >>> recognises(pd.DataFrame({"timestamp": [0, 500, 1000], "segment_id": 1, "value": 0.1}))
    True
    >>> recognises(pd.DataFrame({"timestamp": [0.0, 0.5, 1.0], "segment_id": 1, "value": 0.1}))
    False
    """
    if not {"timestamp", "segment_id"} <= set(table.columns) or len(table) < 2:
        return False
    return pd.api.types.is_numeric_dtype(table["timestamp"].dtype) and _step_ms(table) >= _LEAST


def _step_ms(table):
    steps = np.diff(table["timestamp"].to_numpy(np.float64, na_value=np.nan))
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 0.0


def parts(table):
    """Return the recording, with its time in seconds, its rate and its start.

    Segments follow each other at their times: what lies between them is not observed.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    list of Part

    Examples
    --------
    >>> table = pd.DataFrame({"timestamp": [500, 1000, 1500], "segment_id": [1, 1, 2], "value": 0.1})
    >>> part = parts(table)[0]
    >>> part.rate_hz, part.start_s, part.values["timestamp"].tolist()
    (2.0, 0.5, [0.5, 1.0, 1.5])
    """
    times = table["timestamp"] / 1000
    rate_hz = float(f"{1000 / _step_ms(table):.6g}")
    return [Part(table.assign(timestamp=times), True, rate_hz=rate_hz, start_s=float(times.iloc[0]))]


PRODUCER = Producer("MuSe", recognises, parts)
