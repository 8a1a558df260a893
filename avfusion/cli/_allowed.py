"""The settings that a file of estimators may make: none that runs code, opens a file or contacts a host.

Values from YAML and TOML are text, numbers, lists, mappings and the estimators that are built of them. Only a
text can stand for something else: a path, an address, an expression, an import. So a text is taken where it
is one of the words that a parameter declares, or where the parameter is in the list of those that were looked
at; and nowhere else.
"""

import math
import os
import re
from collections.abc import Mapping
from functools import cache
from numbers import Integral

from avfusion.sequences._messages import brief

# Names of columns, steps, labels, scores and statistics: looked up among what is there, and never opened.
FREE = frozenset(
    [
        *("aggregate", "statistics", "scoring", "metric", "threshold", "refit"),
        *("steps", "transformers", "transformer_list", "estimators", "transformer", "transform_input"),
        *("candidates", "modalities", "modality", "groups", "validation_groups", "leader", "to"),
        *("time", "by"),
        *("categorical_features", "categories", "classes", "constant", "drop", "fill_value"),
        *("missing_values", "outlier_label", "pos_label", "study_name", "final_estimator", "cv"),
    ]
)
# Texts of a form that can stand for nothing else.
_FORMS = {
    "device": re.compile(r"(cpu|cuda|mps|xpu|hpu|npu)(:\d{1,3})?"),
    "importance_getter": re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*"),  # an attribute that is not private
    "pre_dispatch": re.compile(r"all|(\d{1,3} ?\* ?)?n_jobs"),  # joblib evaluates it
}
# Words beside those that a class declares.
_WORDS = {
    "dtype": {"float16", "float32", "float64", "int8", "int16", "int32", "int64", "bool", "object"},
    "weights": {"simplex"},
}
# What is refused whatever its value, but for those that stand for "none".
_NEVER = {
    "memory": "joblib would unpickle what lies in that folder",
    "storage": "it names a file or a host",
    "callbacks": "they are objects of Python",
    "callback": "it is a function of Python",
    "input": "it would read files that the data name",
}
_REMEDY = "Write a .py file, which is executed."
_NONE = (None, [], "content")
_GRIDS = ("param_grid", "param_distributions", "space")
MOST_JOBS = 16  # processes, or the number of cores where there are more
_MOST = 1_000_000  # of what takes memory, one by one
_COUNTS = re.compile(
    r"n_(estimators|members|init|repeats|splits|quantiles|bins|knots|components|clusters|neighbors|heads|layers)"
    r"|hidden_layer_sizes|(hidden|leader|follower|reduced)_size|rank|degree"
)


def check_parameters(cls, values, where):
    """Raise a ValueError for parameters that no file may set, and numbers beyond what fits into a computer.

    Parameters
    ----------
    cls : type
        Of the estimator; not yet built.
    values : dict
        By parameter, the estimators in them built.
    where : str
        Begin of the message.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from sklearn.pipeline import Pipeline
    >>> check_parameters(Pipeline, {"memory": "cache"}, "mine.yaml: a, Pipeline")
    Traceback (most recent call last):
    ...
    ValueError: mine.yaml: a, Pipeline: memory is not set in a file of this kind...
    """
    _check_grids(values, where)
    for _, name, value, path in _settings(cls, values):
        for part in path:
            if part in _NEVER and value not in _NONE and value != [None]:
                why = _NEVER[part]
                raise ValueError(f"{where}: {part} is not set in a file of this kind, as {why}. {_REMEDY}")
        for number in _of_kind(value, Integral):
            _check_number(name, number, where)


def check_texts(cls, values, where):
    """Raise a ValueError for a text that is none of a parameter's words and may stand for something else.

    Parameters
    ----------
    cls : type
        Of the estimator; it has accepted the values.
    values : dict
        By parameter, the estimators in them built.
    where : str
        Begin of the message.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> check_texts(CountVectorizer, {"token_pattern": "(a+)+"}, "mine.yaml: a, CountVectorizer")
    Traceback (most recent call last):
    ...
    ValueError: mine.yaml: a, CountVectorizer: token_pattern takes no text from...
    """
    for kind, name, value, _ in _settings(cls, values):
        if name in FREE:
            continue
        for text in _of_kind(value, str):
            form = _FORMS.get(name)
            if text not in _words(kind, name) and not (form and form.fullmatch(text)):
                raise ValueError(
                    f"{where}: {name} takes no text from a file of this kind, such as {brief(text)}. "
                    f"{_REMEDY}"
                )


def _check_grids(values, where):
    """Refuse a grid of more candidates than any search ends with: all of them are listed before the first."""
    grids = values.get("param_grid", [])
    for grid in grids if isinstance(grids, list) else [grids]:
        counts = (
            [len(one) for one in grid.values() if isinstance(one, list)] if isinstance(grid, Mapping) else []
        )
        if math.prod(counts) > _MOST:
            raise ValueError(f"{where}: param_grid has more than {_MOST} candidates: leave some values out.")


def _settings(cls, values):
    """Yield class, parameter, value and all names in its path, those that a search sets too."""
    for name, value in values.items():
        if name not in _GRIDS:
            yield cls, name, value, [name]
            continue
        for grid in value if isinstance(value, list) else [value]:
            for key, candidates in (grid if isinstance(grid, Mapping) else {name: grid}).items():
                path = str(key).split("__")
                yield None, path[-1], candidates, path


def _of_kind(value, kind):
    """Yield the values of a kind in lists and mappings; names in mappings are none of them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _of_kind(item, kind)
    elif isinstance(value, kind):
        yield value


def _check_number(name, number, where):
    most = max(MOST_JOBS, os.cpu_count() or 1)
    if name == "n_jobs" and abs(number) > most:
        raise ValueError(f"{where}: n_jobs={number} processes are more than {most}. Write -1 for all cores.")
    if _COUNTS.fullmatch(name) and number > _MOST:
        raise ValueError(f"{where}: {name}={number} is more than {_MOST}, which fits into no memory.")


@cache
def _words(cls, name):
    """Return the words that a parameter of a class declares; of any class where that is not known."""
    if cls is None:
        from avfusion.cli._estimators import known_classes

        return frozenset().union(*(_words(known, name) for known in known_classes()))
    constraints = getattr(cls, "_parameter_constraints", {}).get(name, ())
    found = [getattr(one, "options", ()) for one in constraints if not isinstance(one, str)]
    inner = [getattr(getattr(one, "constraint", None), "options", ()) for one in constraints]  # of Hidden
    return frozenset(
        word for words in (*found, *inner, _WORDS.get(name, ())) for word in words if isinstance(word, str)
    )
