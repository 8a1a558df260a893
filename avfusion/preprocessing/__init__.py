"""Transformers of sequence columns: X in, X out."""

from .align import Align
from .context import AddContext
from .frames import OnFrames
from .functionals import Functionals

__all__ = ["AddContext", "Align", "Functionals", "OnFrames"]
