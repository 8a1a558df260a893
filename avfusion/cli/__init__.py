"""The command ``avfusion``: describe recordings, compare estimators, fit one and predict with it.

Nothing heavy is imported here, so that the help is there at once; each command imports what it needs.
"""

from avfusion.cli import _app as _app  # the commands
from avfusion.cli._command import app, main

__all__ = ["app", "main"]
