import pytest

from avfusion.cli._failures import reported


def of_a_fit(cause):
    error = RuntimeError("'ridge' failed in fold 2: no rows.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("kind", [ValueError, TypeError, OSError, FileNotFoundError, ImportError])
def test_what_is_raised_on_purpose_is_about_what_was_given(kind):
    assert reported(kind("clips.csv has no rows.")) == (2, "clips.csv has no rows.")


def test_a_fit_that_failed_is_judged_by_its_cause_and_named():
    assert reported(of_a_fit(ValueError("no rows"))) == (2, "'ridge' failed in fold 2: no rows.")
    code, text = reported(of_a_fit(ZeroDivisionError("oh")))
    assert code == 1
    assert text.startswith("Unexpected failure: RuntimeError: 'ridge' failed in fold 2: no rows. Repeated")


@pytest.mark.parametrize(
    "error", [KeyError("width"), AttributeError(), RecursionError("deep"), RuntimeError("oh\nno")]
)
def test_what_was_not_meant_is_a_failure_in_one_line(error):
    code, text = reported(error)
    assert code == 1
    assert text.startswith(f"Unexpected failure: {type(error).__name__}")
    assert text.endswith(". Repeated with --debug, the command shows where.")


def test_memory_that_is_short_is_called_so():
    message = "Unable to allocate 72.8 TiB for an array."
    assert reported(MemoryError(message)) == (1, f"There is not enough memory. {message}")
    assert reported(MemoryError()) == (1, "There is not enough memory.")


def test_long_messages_are_cut_and_empty_ones_named():
    assert reported(ValueError("a\n\nb\nc\nd\ne")) == (2, "a\nb\nc... (--debug shows all)")
    text = reported(ValueError(10_000 * "x"))[1]
    assert len(text) < 550
    assert text.endswith("x... (--debug shows all)")
    assert reported(ValueError()) == (2, "ValueError, without a word. --debug shows where.")
