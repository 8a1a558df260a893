"""Columns of sequences for pandas: ragged multimodal data that scikit-learn's tools can handle.

The data model
--------------
A data set is a `pandas.DataFrame`. A row is one sample: a recording or a clip. A column of dtype
``sequence[float32, 512, 25Hz]`` is a modality. Its cells are sequences of any number of steps, here of
512 features at 25 steps per second; the rate may be unknown. A stream that a recording does not have is
a missing value, which is something else than a sequence of no steps, or one of NaNs. All other columns
(subject, session, path) are metadata, which estimators leave alone.

All frames of a column lie in one buffer (an array or a memory map), of which each row is a slice.
Selecting, splitting, sorting, copying and concatenating rows moves slices and copies no frames, and
joblib maps the buffer into its workers' memory. Hence columns are immutable: ``X.loc[3, "audio"] =
...`` raises; make a new column instead, as in ``X["audio"] = X["audio"].where(good)``.

`as_sequences` turns what people have into such a frame, `as_targets` does the same for labels. `to_long`,
`to_padded` and `to_panel` are the ways out.

What holds for columns
----------------------
- ``X["audio"].array`` is a `SequenceArray`: ``frames`` (N, D), ``starts`` and ``lengths``. Of selected rows,
  ``array.frames`` is still the buffer of all; their own frames are ``array.pack().frames``.
- ``X["audio"].iloc[0]`` is a `Sequence`, or ``pandas.NA``. ``numpy.asarray`` of a column is a one-
  dimensional array of these, and of a `Sequence` its frames.
- Sequences can be compared, counted, grouped (``groupby(..., sort=False)``) and merged by their
  content, but have no order and no arithmetic.
- Parquet and Feather files keep the dtype, the rate and missing rows. To read them, import this package
  first.

Examples
--------
>>> import numpy as np
>>> from avfusion.sequences import as_sequences
>>> X = as_sequences({"audio": [np.zeros((300, 88)), np.zeros((250, 88))],
...                   "video": [np.zeros((300, 512)), None]}, rate_hz=25)
>>> X["subject"] = ["s1", "s2"]
>>> X
               audio              video subject
0  300 x 88, 12.0 s  300 x 512, 12.0 s      s1
1  250 x 88, 10.0 s               <NA>      s2
>>> X.dtypes
audio       sequence[float32, 88, 25Hz]
video      sequence[float32, 512, 25Hz]
subject                             str
dtype: object
>>> X["audio"].array.with_frames(X["audio"].array.pack().frames[:, :3])
<SequenceArray>
[Sequence(300 x 3, 12.0 s), Sequence(250 x 3, 10.0 s)]
Length: 2, dtype: sequence[float32, 3, 25Hz]
"""

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._convert import as_sequences, sequence_columns
from avfusion.sequences._cut import cut
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._export import to_long, to_padded, to_panel
from avfusion.sequences._label_markers import LabelMarkerWarning, mask_labels
from avfusion.sequences._sequence import Sequence
from avfusion.sequences._target_form import TargetForm
from avfusion.sequences._targets import Targets, as_targets

__all__ = [
    "LabelMarkerWarning",
    "Sequence",
    "SequenceArray",
    "SequenceDtype",
    "TargetForm",
    "Targets",
    "as_sequences",
    "as_targets",
    "cut",
    "mask_labels",
    "sequence_columns",
    "to_long",
    "to_padded",
    "to_panel",
]
