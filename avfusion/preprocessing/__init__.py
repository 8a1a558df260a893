"""Transformers of sequence columns: X in, X out."""

from avfusion.preprocessing._align import Align
from avfusion.preprocessing._context import AddContext
from avfusion.preprocessing._functionals import Functionals
from avfusion.preprocessing._on_frames import OnFrames
from avfusion.preprocessing._pair import pair

__all__ = ["AddContext", "Align", "Functionals", "OnFrames", "pair"]
