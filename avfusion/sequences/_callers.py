"""Tools of scikit-learn that hand over rows which cannot be read, and what to do in their place.

A refusal names the remedy that fits its caller. Some callers are not the user but a tool that has turned rows
into something else: sequences of one row beside labels of another, an array without names of columns, a
number wanted for a whole sequence. Only the call stack shows which.
"""

import sys

PERMUTING = {  # by module and function: what to call the tool, and its remedy
    ("sklearn.inspection._permutation_importance", ""): (
        "permutation_importance",
        "gives rows the stream of another row. inspection.modality_importance does so and fits its length. "
        "For labels per clip, Align in the pipeline mends it, too.",
    ),
    ("sklearn.model_selection._validation", "permutation_test_score"): (
        "permutation_test_score",
        "gives rows the labels of another row. model_selection.permutation_test fits their lengths.",
    ),
}
TABLES = {  # of tools that read X or y as a table of numbers
    ("sklearn.ensemble._bagging", ""): (
        "BaggingRegressor",
        "takes estimators that read sequences, as BaggingRegressor(FrameRegressor()). For others, "
        "FrameRegressor(BaggingRegressor()) for frames, make_pipeline(Functionals(), BaggingRegressor()) for "
        "clips.",
    ),
    ("sklearn.ensemble._weight_boosting", ""): (
        "AdaBoostRegressor",
        "needs a number per row in y. Use FrameRegressor(AdaBoostRegressor()) for frames, or "
        "make_pipeline(Functionals(), AdaBoostRegressor()) for clips.",
    ),
    ("sklearn.compose._target", ""): (
        "TransformedTargetRegressor",
        "needs a number per row in y. Put it inside, FrameRegressor(TransformedTargetRegressor(...)); "
        "networks standardise targets themselves.",
    ),
    ("sklearn.feature_selection._sequential", ""): (
        "SequentialFeatureSelector",
        "chooses streams with estimators that read sequences, as FrameRegressor. Choose features within "
        "FrameRegressor(make_pipeline(selector, Ridge())).",
    ),
    ("sklearn.feature_selection._rfe", ""): (
        "Recursive feature elimination",
        "chooses streams by RFE, with estimators that read sequences, as FrameRegressor; RFECV takes numbers "
        "only. Choose features within FrameRegressor(make_pipeline(selector, Ridge())).",
    ),
    ("sklearn.feature_selection", ""): (
        "Feature selection",
        "needs a table of numbers. Choose streams with modalities=[...], and features after Functionals, or "
        "within FrameRegressor(make_pipeline(selector, Ridge())).",
    ),
    ("sklearn.multioutput", ""): (
        "A wrapper for several targets",
        "adds targets to the columns of X, as if they were metadata. Give several targets as they are: every "
        "estimator here takes them.",
    ),
    ("sklearn.ensemble._stacking", ""): (
        "StackingRegressor",
        "needs a number per row, and a final estimator of numbers. Use LateFusionRegressor(..., "
        "final_estimator=Ridge()).",
    ),
    ("sklearn.ensemble._voting", ""): (
        "VotingRegressor",
        "needs a number per row. Use LateFusionRegressor, which averages estimators per frame too.",
    ),
    ("sklearn.metrics._plot", ""): (
        "scikit-learn's displays",
        "need a number per row. inspection.PredictionDisplay draws predictions per frame over labels.",
    ),
    ("sklearn.metrics", ""): (
        "scikit-learn's scores",
        "need a number per row. Use avfusion.metrics, and scoring=avfusion.metrics.scorers in "
        "cross-validation.",
    ),
}
SORTING = {  # of tools that order the values of a column
    ("sklearn.inspection._partial_dependence", "_grid_from_X"): (
        "Partial dependence",
        "needs columns of numbers. inspection.modality_importance shows what a stream is worth, and features "
        "of clips can be drawn behind Functionals.",
    ),
}
ADDING = (("sklearn.multioutput", ""), ("sklearn.ensemble._stacking", ""))  # predictions beside the columns


SELECTING = {  # of tools that choose columns of X
    ("sklearn.ensemble._bagging", ""): ("BaggingRegressor",),
    ("sklearn.feature_selection._sequential", ""): ("SequentialFeatureSelector",),
    ("sklearn.feature_selection._rfe", ""): ("recursive feature elimination",),
    ("sklearn.feature_selection", ""): ("feature selection",),
}


def selecting_tool() -> str | None:
    """Return the name of the tool among the callers that chooses columns of X, or None.

    Examples
    --------
    >>> selecting_tool() is None
    True
    """
    return _innermost(SELECTING)


def permuting_tool() -> str | None:
    """Return a sentence on the tool among the callers that permutes rows, with its remedy, or None.

    Examples
    --------
    >>> permuting_tool() is None
    True
    """
    return _innermost(PERMUTING)


def table_tool(adds_columns=False) -> str | None:
    """Return a sentence on the tool among the callers that reads tables of numbers, with its remedy, or None.

    Parameters
    ----------
    adds_columns : bool, default=False
        Only a tool that puts predictions beside the columns of X.

    Examples
    --------
    >>> table_tool() is None
    True
    """
    told = _innermost(TABLES)
    return told if not adds_columns or told in map(" ".join, map(TABLES.get, ADDING)) else None


def refuse_order(dtype):
    """Raise where the values of a column are about to be ordered, with the remedy for the tool that would.

    Examples
    --------
    >>> refuse_order("sequence[float32, 8]")
    """
    told = _innermost(SORTING)
    if told:
        raise ValueError(f"A column of {dtype} has no order. {told}")


def stacking_tool() -> str | None:
    """Return a sentence on StackingRegressor, if it is among the callers, with its remedy, or None.

    Examples
    --------
    >>> stacking_tool() is None
    True
    """
    key = ("sklearn.ensemble._stacking", "")
    return _innermost({key: TABLES[key]})


def wants_labels() -> bool:
    """Return whether scikit-learn was reading y when it asked a sequence for a number.

    Examples
    --------
    >>> wants_labels()
    False
    """
    return any(
        module.startswith("sklearn.") and name in ("_check_y", "column_or_1d") for module, name in _callers()
    )


def checks_array() -> bool:
    """Return whether scikit-learn's check_array is among the callers, which cannot compare ``pandas.NA``.

    Examples
    --------
    >>> checks_array()
    False
    """
    return any(module == "sklearn.utils.validation" and name == "check_array" for module, name in _callers())


def _innermost(tools):
    for module, function in _callers():
        if not module.startswith("sklearn."):
            continue
        for (known, name), told in tools.items():
            if (module == known or module.startswith(f"{known}.")) and name in function:
                return " ".join(told)
    return None


def _callers():
    """Yield module and function of all callers, the innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_globals.get("__name__") or "", frame.f_code.co_qualname
        frame = frame.f_back
