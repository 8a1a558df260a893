"""The parts of scikit-learn used here that scikit-learn does not promise to keep: all of them, in one place.

A release of scikit-learn that moves or changes one of these names is met here. Names are scikit-learn's own.
"""

from sklearn.base import _clone_parametrized
from sklearn.utils import _safe_indexing
from sklearn.utils._metadata_requests import _raise_for_params
from sklearn.utils._param_validation import HasMethods, Interval, InvalidParameterError, StrOptions
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import _check_feature_names_in, _check_method_params

__all__ = [
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "_BaseComposition",
    "_check_feature_names_in",
    "_check_method_params",
    "_clone_parametrized",
    "_raise_for_params",
    "_safe_indexing",
    "_wrap_data_with_container",
]
