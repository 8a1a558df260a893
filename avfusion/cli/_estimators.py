"""Read estimators from a file: YAML, TOML or Python."""

import inspect
import runpy
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import sklearn.model_selection
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.utils.discovery import all_estimators

import avfusion
from avfusion._plain_file import check_plain_file
from avfusion.cli._allowed import check_parameters, check_texts
from avfusion.cli._recordings import nearest
from avfusion.cli._values import parse_toml, parse_yaml, read_text
from avfusion.formats._registry import brief_reason
from avfusion.model_selection.splitters._crossed_group_k_fold import CrossedGroupKFold
from avfusion.model_selection.splitters._purged_time_k_fold import PurgedTimeKFold
from avfusion.sequences._messages import brief, quoted

_SUFFIXES = (".yaml", ".yml", ".toml", ".py")
_STEPS = ("steps", "transformer_list", "transformers", "estimators")  # lists of named estimators
_EXAMPLE = "as in - FrameRegressor: {regressor: {Ridge: {alpha: 10}}}"


def read_estimators(path, seed=None):
    """Read the estimators that a file describes.

    Parameters
    ----------
    path : str or path-like
        A YAML (.yaml, .yml) or TOML (.toml) file: a mapping of name to one step or to a list of steps, which
        becomes a Pipeline. A step is ``{ClassName: {parameter: value}}``, or just the name of the class. The
        class is one of avfusion, else an estimator or splitter of scikit-learn. Steps may be used wherever a
        parameter takes an estimator. Or a Python file (.py), which is executed and defines
        ``estimators = {name: estimator}``.
    seed : int, optional
        Used for every ``random_state`` that a YAML or TOML file does not set.

    Returns
    -------
    dict of str to estimator

    Raises
    ------
    ValueError
        If the file cannot be read, a class or parameter is unknown, or a value is invalid. The message names
        the estimator, the step and the nearest names.
    OSError
        If there is no such file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> text = '''
    ... ridge:
    ...   - Align: {rate_hz: 1}
    ...   - FrameRegressor: {regressor: {Ridge: {alpha: 10}}}
    ... early: EarlyFusionRegressor
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "estimators.yaml")
    ...     _ = path.write_text(text)
    ...     estimators = read_estimators(path, seed=0)
    >>> estimators["ridge"]["frameregressor"]
    FrameRegressor(regressor=Ridge(alpha=10, random_state=0))
    """
    path = Path(path)
    if path.suffix == ".py":
        return _from_python(path)
    described = _described(path)
    try:
        estimators = {name: _build_steps(steps, f"{path}: {name}") for name, steps in described.items()}
        _check_they_predict(estimators, path)
        for estimator in estimators.values():
            set_seed(estimator, seed)
    except (AttributeError, LookupError, ArithmeticError, RecursionError, TypeError) as error:
        raise ValueError(  # of a class that looks at its parameters before it checks them
            f"{path}: The estimators cannot be built ({type(error).__name__}: {error})."
        ) from error
    return estimators


def _described(path):
    """Return the steps of each estimator of a YAML or TOML file, by name."""
    readers = {".yaml": parse_yaml, ".yml": parse_yaml, ".toml": parse_toml}
    if path.suffix not in readers:
        raise ValueError(f"{path}: Estimators are written in a .yaml, .toml or .py file.")
    text = _text_of(path)
    try:
        described = readers[path.suffix](text)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not isinstance(described, Mapping) or not described:
        raise ValueError(f"{path}: A file holds names of estimators, each with its steps, {_EXAMPLE}.")
    odd = [name for name in described if isinstance(name, bool) or not isinstance(name, (str, int))]
    if odd or len({str(name) for name in described}) < len(described):
        raise ValueError(
            f"{path}: Names of estimators are texts that differ, in quotes where YAML reads them otherwise; "
            f"these are {quoted(described, limit=3)}."
        )
    return {str(name): steps for name, steps in described.items()}


def _text_of(path):
    try:
        return read_text(path)
    except ValueError as error:
        raise ValueError(
            str(error) if str(path) in str(error) else f"{path} cannot be read: {error}"
        ) from error


def check_estimators(text):
    """Raise an error if the YAML or TOML file of an argument ``FILE`` or ``FILE:NAME`` cannot be read.

    Parameters
    ----------
    text : str
        Names of default estimators and Python files, which would be executed, are passed over.

    Raises
    ------
    ValueError, OSError
        As `read_estimators`.

    Examples
    --------
    >>> check_estimators("ridge")
    >>> check_estimators("gone.yaml:ridge")
    Traceback (most recent call last):
    ...
    FileNotFoundError: There is no file gone.yaml.
    """
    path = _file_and_name(text)[0]
    if path and Path(path).suffix != ".py":
        read_estimators(path)


def _file_and_name(text):
    """Return file and name of an argument; one of them may be empty."""
    file, _, name = (f"{text}:" if Path(text).suffix in _SUFFIXES else text).rpartition(":")
    return (file, name) if Path(file).suffix in _SUFFIXES else ("", text)


def choose_estimators(path, recordings, groups=None, seed=0):
    """Read the estimators of a file, or without one choose a set for the recordings.

    Parameters
    ----------
    path : pathlib.Path or None
        The file.
    recordings : Recordings
        With labels.
    groups : str or tuple of str, optional
        Columns of X that splits respect.
    seed : int
        Of every estimator without a seed.

    Returns
    -------
    dict of str to estimator

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> list(choose_estimators(None, read_recordings("synthetic")))[0]
    'ridge'
    """
    if path is None:
        return avfusion.baselines(recordings.X, recordings.y, groups=groups, random_state=seed)
    return read_estimators(path, seed)


def choose_estimator(text, recordings, groups=None, seed=0):
    """Return the estimator that ``FILE``, ``FILE:NAME`` or the name of a default one stands for.

    Parameters
    ----------
    text : str
        The argument.
    recordings, groups, seed
        As in `choose_estimators`.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        If there is none of that name, or the file has several and none is named.

    Examples
    --------
    >>> from avfusion.cli._recordings import read_recordings
    >>> choose_estimator("only-audio", read_recordings("synthetic")).steps[-1][0]
    'unimodalregressor'
    """
    file, name = _file_and_name(text)
    estimators = choose_estimators(Path(file) if file else None, recordings, groups, seed)
    if not name and len(estimators) == 1:
        return next(iter(estimators.values()))
    if not name:
        raise ValueError(
            f"{file} has several estimators: choose one of {', '.join(estimators)} as {file}:NAME."
        )
    if name not in estimators:
        raise ValueError(f"There is no estimator {brief(name)}. {nearest(name, list(estimators))}")
    return estimators[name]


def _check_they_predict(estimators, path):
    for name, estimator in estimators.items():
        if isinstance(estimator, type) or not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
            last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
            raise ValueError(
                f"{path}: {name} does not predict. Its last step must be a regressor, not {brief(last)}."
            )


def set_seed(estimator, seed):
    """Set every ``random_state`` that is None, in an estimator and in those inside it.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> model = Ridge()
    >>> set_seed(model, 3)
    >>> model
    Ridge(random_state=3)
    """
    left_open = [
        name
        for name, value in estimator.get_params(deep=True).items()
        if value is None and name.split("__")[-1] == "random_state"
    ]
    estimator.set_params(**dict.fromkeys(left_open, seed))


@cache
def _classes():
    """Return every class that a step may name; instead of one that cannot be imported, the error."""
    ours = {}
    for name in avfusion.__all__:
        try:
            value = getattr(avfusion, name)
        except ImportError as error:  # of an extra that is not installed
            value = error
        if isinstance(value, ImportError) or (isinstance(value, type) and issubclass(value, BaseEstimator)):
            ours[name] = value
    splitters = vars(sklearn.model_selection)
    splitters = {name: c for name, c in splitters.items() if isinstance(c, type) and hasattr(c, "split")}
    own = {cls.__name__: cls for cls in (CrossedGroupKFold, PurgedTimeKFold)}
    return splitters | dict(all_estimators()) | own | ours


def _build_steps(steps, where):
    """Return one step, or a Pipeline of a list of steps."""
    if not isinstance(steps, list):
        steps = [steps]
    if not steps:
        raise ValueError(f"{where}: Give at least one step, {_EXAMPLE}.")
    built = []
    for number, step in enumerate(steps, start=1):
        here = f"{where}, step {number}" if len(steps) > 1 else where
        if _step(step) is None:
            raise ValueError(
                f"{here}: A step is the name of a class with its parameters, {_EXAMPLE}, not {brief(step)}."
            )
        built.append(_build(*_step(step), here))
    return built[0] if len(built) == 1 else make_pipeline(*built)


def _step(value):
    """Return name and parameters of a value that has the form of a step, else None."""
    if isinstance(value, str):
        return value, {}
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, parameters),) = value.items()
        return name, {} if parameters is None else parameters
    return None


def _build(name, parameters, where):
    if name not in _classes():
        raise ValueError(f"{where}: There is no class {brief(name)}. {_nearest_class(name)}")
    cls, where = _classes()[name], f"{where}, {name}"
    if isinstance(cls, ImportError):
        raise ValueError(f"{where}: {cls}") from cls
    if not isinstance(parameters, Mapping):
        raise ValueError(f"{where}: Parameters must map names to values, not {brief(parameters)}.")
    known = list(inspect.signature(cls).parameters)
    for parameter in parameters:
        if parameter not in known:
            raise ValueError(
                f"{where}: There is no parameter {brief(parameter)}. {nearest(str(parameter), known)}"
            )
    values = {parameter: _value(value, f"{where}, {parameter}") for parameter, value in parameters.items()}
    check_parameters(cls, values, where)
    try:
        built = cls(**values)
        if hasattr(built, "_parameter_constraints"):  # else they are checked in fit
            built._validate_params()
    except Exception as error:  # whatever a class makes of values that it does not expect
        raise ValueError(f"{where}: {brief_reason(error, 240)}.") from error
    check_texts(cls, values, where)
    _check_form(built, values, where)
    return built


def _check_form(built, values, where):
    """Refuse lists of steps that are none, which scikit-learn takes apart without a look."""
    lists = [values[name] for name in _STEPS if isinstance(values.get(name), list)]
    good = all(
        isinstance(step, list) and len(step) >= 2 and isinstance(step[0], str)
        for one in lists
        for step in one
    )
    try:
        built.get_params() if good and hasattr(built, "get_params") else None
    except Exception:
        good = False
    if not good:
        raise ValueError(
            f"{where}: Steps are pairs of a name and an estimator, as in [scale, StandardScaler], not "
            f"{brief(values)}."
        )


def _value(value, where):
    """Build the steps in the value of a parameter; all else is returned unchanged."""
    if _names_class(value, where):
        return _build_steps(value, where)
    if isinstance(value, Mapping):
        return {key: _value(item, f"{where}, {key}") for key, item in value.items()}
    if isinstance(value, list):
        if len(value) > 0 and all(_names_class(item, where) for item in value):
            return _build_steps(value, where)
        return [_value(item, where) for item in value]
    return value


def _names_class(value, where):
    """Return whether a value is a step. A name that is close to that of a class is taken for a mistake."""
    name, parameters = _step(value) or (None, None)
    if not isinstance(name, str) or not isinstance(parameters, Mapping):
        return False
    if name in _classes() or isinstance(value, str):
        return name in _classes()
    if name[:1].isupper() and _nearest_class(name).startswith("Nearest"):
        raise ValueError(f"{where}: There is no class {brief(name)}. {_nearest_class(name)}")
    return False


def _nearest_class(name):
    near = nearest(str(name), list(_classes()))
    return near if near.startswith("Nearest") else "Classes are those of avfusion and of scikit-learn."


def _from_python(path):
    """Execute a Python file and take its `estimators`."""
    check_plain_file(path)
    sys.path.insert(0, str(path.parent.resolve()))  # so that it can import its neighbours, as scripts can
    try:
        # a name that cannot be imported, so that its classes are sent to worker processes by value
        estimators = runpy.run_path(str(path), run_name=f"estimators of {path.name}").get("estimators")
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path} fails: {type(error).__name__}: {error}") from error
    if not isinstance(estimators, Mapping) or not estimators:
        raise ValueError(f"{path} must define estimators = {{name: estimator}}, with at least one entry.")
    estimators = {str(name): estimator for name, estimator in estimators.items()}
    _check_they_predict(estimators, path)
    return estimators


def known_classes():
    """Return every class that a step may name and that is installed.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> Ridge in known_classes()
    True
    """
    return [cls for cls in _classes().values() if isinstance(cls, type)]
