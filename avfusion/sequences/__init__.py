"""Columns of sequences for pandas: ragged multimodal data that every scikit-learn tool can handle.

A data set is a `pandas.DataFrame`. A row is a recording or a clip. A column of dtype
``sequence[float32, 512, 25Hz]`` is a modality: its cells are sequences of any number of steps, here of 512
features at 25 steps per second. All other columns (subject, session, path) are metadata.
"""

from .array import SequenceArray
from .convert import as_sequences, sequence_columns
from .dtype import Sequence, SequenceDtype
from .targets import TargetForm, Targets, as_targets

__all__ = [
    "Sequence",
    "SequenceArray",
    "SequenceDtype",
    "TargetForm",
    "Targets",
    "as_sequences",
    "as_targets",
    "sequence_columns",
]
