"""The command ``avfusion``: describe recordings, compare estimators, fit one and predict with it.

Nothing heavy is imported here, so that the help is there at once; each command imports what it needs.
"""

from avfusion.cli._app import app, main

__all__ = ["app", "main"]
