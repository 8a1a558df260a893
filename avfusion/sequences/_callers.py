"""Tools of scikit-learn that hand over rows which cannot be read, and what to do in their place.

A refusal names the remedy that fits its caller. Some callers are not the user but a tool that has turned rows
into something else: sequences of one row beside labels of another, an array without names of columns, a
number wanted for a whole sequence. Only the call stack shows which.
"""

import sys

PERMUTING = {  # by module and function: what to call the tool, and its remedy
    ("sklearn.inspection._permutation_importance", ""): (
        "permutation_importance",
        "gives rows the stream of another row. To see what a stream is worth, leave it out of modalities and "
        "compare, or see inspection.robustness_curve. For labels per clip, Align in the pipeline mends it.",
    ),
    ("sklearn.model_selection._validation", "permutation_test_score"): (
        "permutation_test_score",
        "gives rows the labels of another row. model_selection.check_leakage permutes labels per frame.",
    ),
}
TABLES = {  # of tools that read X or y as a table of numbers
    ("sklearn.ensemble._bagging", ""): (
        "BaggingRegressor",
        "makes an array of X. Networks average themselves with n_members=10; else use "
        "FrameRegressor(BaggingRegressor()), or make_pipeline(Functionals(), BaggingRegressor()) for clips.",
    ),
    ("sklearn.ensemble._weight_boosting", ""): (
        "AdaBoostRegressor",
        "needs a table of numbers. Use FrameRegressor(AdaBoostRegressor()) for frames, or "
        "make_pipeline(Functionals(), AdaBoostRegressor()) for clips.",
    ),
    ("sklearn.compose._target", ""): (
        "TransformedTargetRegressor",
        "needs a number per row in y. Put it inside, FrameRegressor(TransformedTargetRegressor(...)); "
        "networks standardise targets themselves.",
    ),
    ("sklearn.feature_selection._sequential", ""): (
        "SequentialFeatureSelector",
        "makes an array of X. Choose streams by GridSearchCV(model, {'modalities': [['audio'], ['video'], "
        "None]}), and features within OnFrames.",
    ),
    ("sklearn.feature_selection._rfe", ""): (
        "Recursive feature elimination",
        "makes an array of X. Choose streams by GridSearchCV(model, {'modalities': [['audio'], ['video'], "
        "None]}), and features within OnFrames.",
    ),
    ("sklearn.feature_selection", ""): (
        "Feature selection",
        "needs a table of numbers. Choose streams with modalities=[...], and features after Functionals, or "
        "within FrameRegressor(make_pipeline(selector, Ridge())).",
    ),
    ("sklearn.multioutput", ""): (
        "A wrapper for several targets",
        "makes an array of X. Give several targets as they are: every estimator here takes them.",
    ),
    ("sklearn.ensemble._stacking", ""): (
        "StackingRegressor",
        "needs a number per row. Use LateFusionRegressor(..., final_estimator=Ridge()).",
    ),
    ("sklearn.ensemble._voting", ""): (
        "VotingRegressor",
        "needs a number per row. Use LateFusionRegressor, which averages estimators per frame too.",
    ),
    ("sklearn.metrics", ""): (
        "scikit-learn's scores",
        "need a number per row. Use avfusion.metrics, and scoring=avfusion.metrics.scorers in "
        "cross-validation.",
    ),
}


def permuting_tool() -> str | None:
    """Return a sentence on the tool among the callers that permutes rows, with its remedy, or None.

    Examples
    --------
    >>> permuting_tool() is None
    True
    """
    return _innermost(PERMUTING)


def table_tool() -> str | None:
    """Return a sentence on the tool among the callers that reads tables of numbers, with its remedy, or None.

    Examples
    --------
    >>> table_tool() is None
    True
    """
    return _innermost(TABLES)


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
        yield frame.f_globals.get("__name__") or "", frame.f_code.co_name
        frame = frame.f_back
