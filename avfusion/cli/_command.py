"""The command `avfusion` itself: how a command is made, ends, warns and is interrupted."""

import contextlib
import functools
import inspect
import signal
import sys
import traceback
import warnings

import typer
import typer.core

from avfusion.cli._failures import reported
from avfusion.cli._options import EXIT_CODES, READING, examples


class _Commands(typer.core.TyperGroup):
    """Commands whose words about wrong arguments have no escape codes of these arguments."""

    def parse_args(self, ctx, args):
        with _printable():
            return super().parse_args(ctx, args)

    def invoke(self, ctx):
        with _printable():
            return super().invoke(ctx)


@contextlib.contextmanager
def _printable():
    try:
        yield
    except Exception as error:
        if hasattr(error, "show") and isinstance(getattr(error, "message", None), str):  # those of click
            from avfusion.sequences._messages import printable_lines  # which brings pandas

            error.message = printable_lines(error.message)
        raise


app = typer.Typer(
    name="avfusion",
    cls=_Commands,
    help="Compare audio-visual fusion methods on recordings, fit one, and predict with it.",
    epilog="\n\n".join(
        [
            examples(
                "describe studyforrest",
                "compare studyforrest --target arousal --output results",
                "fit studyforrest --target arousal --estimator joint-attention -o film.model",
                "predict film.model studyforrest -o predictions.parquet",
            ),
            "avfusion COMMAND --help explains all options.",
            EXIT_CODES,
        ]
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main():
    """Run the command line; Ctrl-C ends it with exit code 130."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    warnings.showwarning = show_once(set())
    try:
        app(prog_name="avfusion")
    except _Interrupted as end:
        echo(f"Interrupted: {end.args[0] if end.args else 'nothing was written'}.", err=True)
        sys.exit(130)


def show_once(shown):
    """Return what shows warnings: in one line each, and what reading and comparing both say only once."""

    def show(message, *_, **__):
        if str(message) not in shown:
            echo(f"Warning: {message}", err=True)
        shown.add(str(message))

    return show


def echo(text, err=False):
    r"""Print a text, with what a terminal would obey in names of files and columns as escapes.

    Parameters
    ----------
    text : str
    err : bool, default=False
        Whether on stderr.

    Examples
    --------
    >>> echo("a\x1b[31m.csv is damaged.")
    a\x1b[31m.csv is damaged.
    """
    from avfusion.sequences._messages import printable_lines  # which brings pandas

    typer.echo(printable_lines(text), err=err)


class _Interrupted(BaseException):
    """Ctrl-C. A KeyboardInterrupt would leave with exit code 1, like a failure."""


def _interrupt(signum, frame):
    raise _Interrupted


def command(*epilog, name=None):
    """Make a function a command that reports errors in one line and ends with the right exit code."""

    def register(function):
        @functools.wraps(function)
        def run(debug, **arguments):
            arguments["reading"] = {name: arguments.pop(name) for name in READING}
            try:
                function(debug=debug, **arguments)
            except _Interrupted:
                raise _Interrupted(*_written(arguments)) from None
            except BrokenPipeError:  # the reader of our output has ended
                raise
            except Exception as error:
                code, text = reported(error)
                if debug:
                    traceback.print_exc()
                echo(f"Error: {text}", err=True)
                raise typer.Exit(code) from error

        run.__signature__ = _with_reading(inspect.signature(function))
        run.__annotations__ = {name: one.annotation for name, one in run.__signature__.parameters.items()}
        app.command(name, epilog="\n\n".join(epilog), no_args_is_help=True)(run)
        return function

    return register


def _written(arguments):
    """Return, in a list, what an interrupted command has written all the same, just before."""
    from avfusion._atomic import was_written

    output = arguments.get("output")
    return [f"{output} is written"] if output is not None and was_written(output) else []


def _with_reading(signature):
    """Put the options that say how DATA is read in the place of the parameter `reading`."""
    parameters = []
    for name, parameter in signature.parameters.items():
        own = READING if name == "reading" else {}
        parameters += [parameter.replace(name=option, annotation=kind) for option, kind in own.items()]
        parameters += [] if own else [parameter]
    return signature.replace(parameters=parameters)
