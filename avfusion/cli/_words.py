"""Read the words of options: rates, thresholds, parameters."""

import numpy as np

from avfusion.cli._values import parse_yaml
from avfusion.sequences._messages import brief

_ROLES = ("stimulus", "person")


def parse_rates(texts):
    """Read ``NAME=HZ`` for each modality.

    Examples
    --------
    >>> parse_rates(["audio=100", "video=29.97"])
    {'audio': 100.0, 'video': 29.97}
    """
    rates = {}
    for name, value in _pairs("--rate", texts, "audio=25"):
        try:
            rates[name] = float(value)
        except ValueError:
            rates[name] = np.nan
        if not 0 < rates[name] < np.inf:
            raise ValueError(f"--rate {name}={value} must be a positive number of Hz, as in --rate audio=25.")
    return rates


def parse_valid(texts):
    """Read ``COLUMN`` or ``COLUMN>=NUMBER`` for each column that says which steps are valid, or ``none``.

    Examples
    --------
    >>> parse_valid(["success", "confidence>=0.8"]), parse_valid(["none"]), parse_valid([])
    ({'success': None, 'confidence': 0.8}, False, None)
    """
    if not texts:
        return None
    if [text.lower() for text in texts] == ["none"]:
        return False
    valid = {}
    for text in texts:
        name, sign, least = text.partition(">=") if ">=" in text else text.partition("=")
        try:
            valid[name.strip()] = float(least) if sign else None
        except ValueError:
            raise ValueError(
                f"--valid {text} must be a column, or as in --valid 'confidence>=0.8'."
            ) from None
    return valid


def parse_options(texts):
    """Read ``NAME=VALUE``, values as in YAML.

    Examples
    --------
    >>> parse_options(["n_recordings=20", "duration_s=[30, 60]", "target=clip"])
    {'n_recordings': 20, 'duration_s': [30, 60], 'target': 'clip'}
    """
    pairs = _pairs("--option", texts, "n_recordings=20")
    return {name: _value(name, text) for name, text in pairs}


def parse_situation(texts):
    """Read ``ROLE=COLUMN`` for stimulus and person, or ``none``, as `avfusion.compare` takes it.

    Examples
    --------
    >>> parse_situation(["stimulus=film", "person=none"]), parse_situation(["none"]), parse_situation(None)
    ({'stimulus': 'film', 'person': None}, None, 'auto')
    """
    if not texts:
        return "auto"
    if [text.strip().lower() for text in texts] == ["none"]:
        return None
    roles = {}
    for role, column in _pairs("--situation", texts, "stimulus=video"):
        role = role.strip().lower()
        if role not in _ROLES or not column.strip():
            raise ValueError(
                f"--situation {brief(f'{role}={column}')[1:-1]} must be one of {', '.join(_ROLES)} and a "
                "column, as in --situation stimulus=video, or none."
            )
        if role in roles:
            raise ValueError(f"--situation {role} is given twice. Name one column for it.")
        roles[role] = None if column.strip().lower() == "none" else column
    return roles


def _value(name, text):
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise ValueError(f"--option {name}={brief(text, 40)[1:-1]} has no value: {error}") from error


def _pairs(option, texts, example):
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ValueError(f"{option} {text} must have the form NAME=VALUE, as in {option} {example}.")
        yield name, value
