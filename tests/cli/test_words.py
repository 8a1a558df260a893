"""Words of options: rates, columns and thresholds, parameters."""

import pytest

from avfusion.cli._words import parse_options, parse_rates, parse_valid


@pytest.mark.parametrize("text", ["audio", "audio=fast", "=25", "audio=-1", "audio=inf"])
def test_rates_are_name_and_hz(text):
    with pytest.raises(ValueError, match=f"--rate {text} must"):
        parse_rates([text])


@pytest.mark.parametrize("text", ["n_recordings", "=3"])
def test_options_are_name_and_value(text):
    with pytest.raises(ValueError, match=f"--option {text} must have the form NAME=VALUE"):
        parse_options([text])


@pytest.mark.parametrize("text", ["confidence>=high", "confidence="])
def test_valid_is_a_column_or_a_threshold(text):
    with pytest.raises(ValueError, match=f"--valid {text} must be a column, or"):
        parse_valid([text])
