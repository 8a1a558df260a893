"""Cells as nested lists for those who write or describe a table as JSON.

pandas hands the cells of a column on as they are. What is made of them is JSON in two places: in pandas' own
``to_json``, whose orients that drop the index go through ``to_dict``, and in MLflow, which writes input
examples and reads signatures from rows. JSON knows lists and numbers only. The callers show who asks.
"""

import sys

_TABLES = ("pandas", "numpy")  # what stands between a column and who asks for its cells
_JSON_WRITERS = ("pandas.io.json", "mlflow")


def wants_lists() -> bool:
    """Return whether the cells that are asked for become JSON.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> X = as_sequences({"audio": [[[1.0], [2.0]]]})
    >>> X.to_json(orient="split", index=False)
    '{"columns":["audio"],"data":[[[[1.0],[2.0]]]]}'
    >>> wants_lists()
    False
    """
    frame = sys._getframe(2)  # who iterates over the column
    while frame is not None:
        module = frame.f_globals.get("__name__") or ""
        if any(module == writer or module.startswith(f"{writer}.") for writer in _JSON_WRITERS):
            return True
        if module.split(".")[0] not in _TABLES:
            return False
        frame = frame.f_back
    return False
