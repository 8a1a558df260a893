"""The texts that commands share fit on a terminal and name what is there."""

import pytest

from avfusion.cli import _options as options
from avfusion.cli._estimators import _classes


@pytest.mark.parametrize("name", ["DATA_HELP", "ESTIMATORS_HELP", "EXIT_CODES"])
def test_texts_keep_their_lines_and_fit_80_columns(name):
    text = getattr(options, name)
    assert text.startswith("\b\n")
    assert max(map(len, text.splitlines())) <= 78  # the help indents by two


def test_examples_are_lines_that_can_be_pasted():
    assert options.examples("describe synthetic", "compare synthetic") == (
        "\b\nExamples:\n  avfusion describe synthetic\n  avfusion compare synthetic"
    )


def test_classes_of_the_example_are_known():
    named = [
        line.partition(":")[0].strip(" -") for line in options.ESTIMATORS_HELP.splitlines() if "- " in line
    ]
    assert len(named) == 5
    assert set(named) <= set(_classes())
