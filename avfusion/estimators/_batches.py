"""From ragged rows to padded batches: cut, bucket, gather.

A recording is cut into *spans* (a row, where in it the span begins, how many steps it has), spans of similar
length are put into one batch, and a batch is gathered from the flat buffers in one indexing operation per
stream. Nothing here is done frame by frame or row by row in Python.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from avfusion.estimators._inputs import check_observed
from avfusion.estimators._number_range import check_squares
from avfusion.estimators._weights import of_mean_one
from avfusion.sequences._buffers import BLOCK, within_rows
from avfusion.sequences._paging import read_ahead, release, take

NEVER = float(np.finfo(np.float32).max)  # the deviation of a feature that no training row has


class Spans(NamedTuple):
    """Pieces of rows: for each, its row, its first step and its number of steps, all int64 (n_spans,)."""

    rows: np.ndarray
    begins: np.ndarray
    lengths: np.ndarray

    def take(self, chosen):
        """Return the chosen spans (indices or mask)."""
        return Spans(self.rows[chosen], self.begins[chosen], self.lengths[chosen])


def cut_at_random_phase(rows, lengths, window, rng):
    """Cut rows into windows that begin at another place every time, for training.

    Every window is full: those that would stick out of the row are moved inside, so that each step is covered
    and no batch is padded for the sake of a remainder. Rows of at most `window` steps stay whole.
    """
    long = lengths > window if window is not None else np.zeros(len(rows), bool)
    whole = Spans(rows[~long], np.zeros((~long).sum(), np.int64), lengths[~long])
    if not long.any():
        return whole
    phase = rng.integers(1, window + 1, size=long.sum())  # the first boundary inside the row
    counts = 1 + -(-(lengths[long] - phase) // window)
    _, number = within_rows(counts)
    begins = np.repeat(phase - window, counts) + number * window
    begins = np.clip(begins, 0, np.repeat(lengths[long], counts) - window)
    windows = Spans(np.repeat(rows[long], counts), begins, np.full(len(begins), window))
    return Spans(*(np.concatenate(both) for both in zip(whole, windows)))


def cut_at_hop(rows, lengths, window, hop):
    """Cut rows into windows every `hop` steps, the last one ending with the row, for prediction."""
    if window is None:
        return Spans(rows, np.zeros(len(rows), np.int64), lengths)
    extra = np.maximum(lengths - window, 0)
    counts = 1 + -(-extra // hop)
    _, number = within_rows(counts)
    begins = np.minimum(number * hop, np.repeat(extra, counts))
    return Spans(np.repeat(rows, counts), begins, np.repeat(np.minimum(lengths, window), counts))


def bucket(lengths, batch_size, rng=None):
    """Group items of similar length into batches; return a list of index arrays.

    With `rng` the batches are drawn anew at each call: lengths are perturbed by a tenth before they are
    sorted, so that the same items do not always meet, and the batches come in random order. Sorting whole
    pools of 32 batches keeps padding small on large sets without making batches of one kind.
    """
    if rng is None:
        pools = [np.argsort(lengths, kind="stable")]
    else:
        order = rng.permutation(len(lengths))
        keys = lengths * rng.uniform(0.9, 1.1, size=len(lengths))
        size = 32 * batch_size
        pools = [order[i : i + size] for i in range(0, len(order), size)]
        pools = [pool[np.argsort(keys[pool], kind="stable")] for pool in pools]
    batches = [pool[i : i + batch_size] for pool in pools for i in range(0, len(pool), batch_size)]
    if rng is not None:
        rng.shuffle(batches)
    return batches


@dataclass(frozen=True, eq=False)
class StreamDataset(Dataset):
    """Streams of a set of rows in their flat buffers, and their labels if there are any.

    Parameters
    ----------
    frames : dict of str to ndarray (n_frames, width)
        The flat buffer of each modality, in memory or memory-mapped.
    starts : dict of str to ndarray (n_rows,)
        Where each row begins in the buffer of the modality; -1 where the stream is absent.
    lengths : ndarray (n_rows,)
        Number of steps of each row, common to its streams if these are in step.
    dtype : dtype
        The type that batches have.
    labels : ndarray (n_steps, n_targets) or (n_rows, n_targets), optional
        One value for each step (rows one after the other) or for each row; NaN is unlabelled.
    window : int, optional
        Longest span of a training batch, in steps.
    per_frame : bool, default=True
        Whether labels are per step.
    stream_lengths : dict of str to ndarray (n_rows,), optional
        Number of steps that each row has in the stream; by default `lengths`. Streams of one row cover the
        same stretch of time, whatever their numbers of steps, and are cut in proportion.
    weights : ndarray of the shape of `labels`, optional
        How much each label counts in training, 0 where there is none; their mean over labels is 1.
    """

    frames: dict
    starts: dict
    lengths: np.ndarray
    dtype: np.dtype
    labels: np.ndarray | None = None
    window: int | None = None
    per_frame: bool = True
    stream_lengths: dict | None = None
    weights: np.ndarray | None = None

    def __len__(self):
        return len(self.lengths)

    def take(self, rows):
        """Return the data set of some rows; their frames stay where they are."""
        starts = {name: start[rows] for name, start in self.starts.items()}
        own = self.stream_lengths and {name: lengths[rows] for name, lengths in self.stream_lengths.items()}
        labels, weights = self.labels, self.weights
        if labels is not None:
            values = rows if not self.per_frame else self.steps_of(rows)
            labels, weights = labels[values], None if weights is None else weights[values]
        return replace(
            self,
            starts=starts,
            lengths=self.lengths[rows],
            labels=labels,
            stream_lengths=own,
            weights=weights,
        )

    def with_labels(self, labels):
        """Return the same rows with other labels."""
        return replace(self, labels=labels)

    def with_weights_of_mean_one(self):
        """Return the same rows with weights of mean 1, or with none where all labels count alike."""
        return replace(self, weights=of_mean_one(self.labels, self.weights))

    @property
    def offsets(self):
        """Where each row's steps begin when rows lie one after the other, (n_rows,)."""
        return np.cumsum(self.lengths) - self.lengths

    def steps_of(self, rows):
        """Return the positions of all steps of some rows, in the order of `rows`."""
        lengths = self.lengths[rows]
        return np.repeat(self.offsets[rows], lengths) + within_rows(lengths)[1]

    def gather(self, spans):
        """Return one batch: ``({"streams": ..., "masks": ...}, labels)`` as padded tensors.

        Streams are (batch, steps, width), masks (batch, steps), labels (batch, steps, n_targets) or (batch,
        n_targets). Absent streams and labels of padded steps are NaN; what padded steps of a stream hold
        means nothing. All are padded to the longest stream. Weights, where there are any, are beside the
        masks, of the shape of the labels.
        """
        own = {name: self.spans_in(name, spans) for name in self.frames}
        steps = np.arange(max(pieces.lengths.max() for pieces in (spans, *own.values())))
        mask, position = spread(spans, steps)
        masks = dict.fromkeys(own, torch.from_numpy(mask))
        streams = {}
        for name, pieces in own.items():
            place = position
            if pieces is not spans:
                inside, place = spread(pieces, steps)
                masks[name] = torch.from_numpy(inside)
            streams[name] = self._gather_stream(name, spans.rows, place)
        inputs = {"streams": streams, "masks": masks}
        if self.labels is None:
            return inputs, torch.empty(len(mask), 0)
        if self.weights is not None:
            inputs["weights"] = self._beside(self.weights, spans.rows, mask, position, 0.0)
        return inputs, self._beside(self.labels, spans.rows, mask, position, np.nan)

    def _beside(self, values, rows, mask, position, padding):
        """Return labels or weights of a batch: of its steps, or of its rows."""
        if not self.per_frame:
            return torch.from_numpy(values[rows].astype(self.dtype))
        values = values[np.where(mask, self.offsets[rows][:, None] + position, 0)]
        values[~mask] = padding
        return torch.from_numpy(values.astype(self.dtype))

    def spans_in(self, name, spans):
        """Return the steps of a stream in the time of some spans of rows, partly covered ones included.

        Those are the spans themselves where the stream is in step.
        """
        if self.stream_lengths is None:
            return spans
        own, whole = self.stream_lengths[name][spans.rows], self.lengths[spans.rows]
        begins = spans.begins * own // whole
        ends = -(-(spans.begins + spans.lengths) * own // whole)
        return Spans(spans.rows, begins, ends - begins)

    def read_ahead(self, spans):
        """Have the frames of a batch read from the disk, where they are on one, while another is computed."""
        for name, frames in self.frames.items():
            pieces, starts = self.spans_in(name, spans), self.starts[name][spans.rows]
            there = starts >= 0
            read_ahead(frames, (starts + pieces.begins)[there], pieces.lengths[there])

    def _gather_stream(self, name, rows, position):
        frames, starts = self.frames[name], self.starts[name][rows]
        absent = starts < 0
        if absent.all():
            return torch.full((*position.shape, frames.shape[1]), torch.nan, dtype=_torch_dtype(self.dtype))
        index = np.where(absent, 0, starts)[:, None] + np.where(absent[:, None], 0, position)
        values = np.asarray(take(frames, index), dtype=self.dtype)
        if absent.any():
            values[absent] = np.nan
        return torch.from_numpy(values)


def spread(spans, steps):
    """Return which of the padded steps exist, and where in their rows they are, both (n_spans, n_steps)."""
    mask = steps < spans.lengths[:, None]
    return mask, np.where(mask, spans.begins[:, None] + steps, 0)


class TrainingBatches:
    """The batches of one epoch, drawn anew at every iteration; skorch's ``iterator_train``."""

    def __init__(self, dataset, batch_size, rng, modality_dropout=0.0):
        self.dataset, self.batch_size, self.rng = dataset, batch_size, rng
        self.modality_dropout = modality_dropout

    def __iter__(self) -> Iterator:
        data, window = self.dataset, self.dataset.window
        spans = cut_at_random_phase(np.arange(len(data)), data.lengths, window, self.rng)
        batches = [spans.take(chosen) for chosen in bucket(spans.lengths, self.batch_size, self.rng)]
        for chosen, inputs, labels in gathered(data, batches):
            yield self._drop_modalities(inputs, chosen.rows), labels

    def _drop_modalities(self, inputs, rows):
        """Make streams of some rows absent, never all that a row has."""
        names = list(inputs["streams"])
        if self.modality_dropout == 0 or len(names) == 1:
            return inputs
        present = np.column_stack([self.dataset.starts[name][rows] >= 0 for name in names])
        dropped = present & (self.rng.random(present.shape) < self.modality_dropout)
        kept = np.argmax(self.rng.random(present.shape) * present, axis=1)  # any of those that are present
        dropped[np.arange(len(rows)), kept] &= ~(dropped == present).all(axis=1)
        for column, name in enumerate(names):
            inputs["streams"][name][torch.from_numpy(dropped[:, column])] = torch.nan
        return inputs


class EvaluationBatches:
    """Every step once, but for the overlap of a last window, by length; skorch's ``iterator_valid``."""

    def __init__(self, dataset, batch_size):
        self.dataset, self.batch_size = dataset, batch_size

    def __iter__(self) -> Iterator:
        for _, batch in span_batches(self.dataset, self.batch_size, hop=self.dataset.window):
            yield batch


def span_batches(dataset, batch_size, hop):
    """Yield ``(spans, batch)`` over windows every `hop` steps, shortest first."""
    spans = cut_at_hop(np.arange(len(dataset)), dataset.lengths, dataset.window, hop)
    for chosen, *batch in gathered(
        dataset, [spans.take(chosen) for chosen in bucket(spans.lengths, batch_size)]
    ):
        yield chosen, tuple(batch)


def gathered(dataset, batches):
    """Yield ``(spans, inputs, labels)`` of batches of spans; the next one is read ahead meanwhile."""
    for spans, following in zip(batches, [*batches[1:], None]):
        inputs, labels = dataset.gather(spans)
        if following is not None:
            dataset.read_ahead(following)
        yield spans, inputs, labels


def expected_windows(dataset):
    """Return how many windows (whole rows, without windows) one training epoch has on average."""
    windows = np.ones(len(dataset))
    if dataset.window is not None:
        long = dataset.lengths > dataset.window
        windows[long] = 1 + (dataset.lengths[long] - 1) / dataset.window
    return windows.sum()


def expected_batches(n_windows, batch_size):
    """Return how many batches one training epoch has on average; what a learning-rate schedule counts on."""
    return max(1, int(np.ceil(n_windows / batch_size)))


def stitched_predictions(nets, dataset, batch_size, hop):
    """Return the mean prediction of some nets for all rows, where windows overlap also over these.

    Parameters
    ----------
    nets : list of SequenceNet
    dataset : StreamDataset
    batch_size : int
        Windows (or rows) in a batch.
    hop : int or None
        Steps between windows, of a data set that is cut into windows.

    Returns
    -------
    ndarray of shape (n_steps, n_targets) per frame, else (n_rows, n_targets)
        On the scale of training, rows one after the other.
    """
    total = counts = None
    for spans, (batch, _) in span_batches(dataset, batch_size, hop):
        values = sum(net.evaluation_step((batch, None)) for net in nets) / len(nets)
        values = values.cpu().numpy()
        if total is None:
            total = np.zeros((dataset.lengths.sum() if dataset.per_frame else len(dataset), values.shape[-1]))
            counts = np.zeros((len(total), 1))
        if not dataset.per_frame:
            total[spans.rows], counts[spans.rows] = values, 1
            continue
        steps = np.arange(values.shape[1])
        inside = steps < spans.lengths[:, None]
        position = ((dataset.offsets[spans.rows] + spans.begins)[:, None] + steps)[inside]
        np.add.at(total, position, values[inside])
        np.add.at(counts, position, 1)
    return total / counts


def _torch_dtype(dtype):
    return {"float32": torch.float32, "float64": torch.float64}[np.dtype(dtype).name]


def observed_statistics(data, name):
    """Return mean and standard deviation of a stream's features over their observed values, (width,) each.

    Summed in float64, row by row, around the first observed values, so that neither memory-mapped features
    are copied nor large offsets lose digits. A feature that is never observed has mean 0 and the deviation
    `NEVER`, so that it stays zero where it is observed later.
    """
    width = data.frames[name].shape[1]
    shift, counts = np.full(width, np.nan), np.zeros(width)
    total, squares = np.zeros(width), np.zeros(width)
    for values in row_pieces(data, name):
        whole = not may_hold_nan(values)
        if not whole:
            values = values[~np.isnan(values).all(axis=1)]
        if not len(values):
            continue
        if np.isnan(shift).any():
            shift = np.where(np.isnan(shift), first_observed(values), shift)
        values = values - shift
        if not whole:
            counts += (~np.isnan(values)).sum(axis=0)
            values = np.nan_to_num(values, copy=False)
        else:
            counts += len(values)
        total += values.sum(axis=0)
        squares += np.square(values).sum(axis=0)
    check_observed(counts.any(), name)
    check_squares(total, squares, name)
    never, counts = counts == 0, np.maximum(counts, 1)
    mean = total / counts
    variance = squares / counts - np.square(mean)
    deviation = np.sqrt(np.maximum(variance, 0))
    return np.where(never, 0, mean + shift), np.where(never, NEVER, deviation)


def row_pieces(data, name):
    """Yield the frames of each row of a stream in float64, of long rows one part after the other."""
    frames, starts = data.frames[name], data.starts[name]
    lengths = data.lengths if data.stream_lengths is None else data.stream_lengths[name]
    size = max(1, BLOCK // frames.shape[1])
    for row in np.flatnonzero(starts >= 0):
        for begin in range(starts[row], starts[row] + lengths[row], size):
            end = min(begin + size, starts[row] + lengths[row])
            values = np.array(frames[begin:end], dtype=np.float64)
            release(frames, begin, end - begin)
            yield values


def may_hold_nan(values):
    """Return whether an array holds a NaN, or numbers so large that finding out takes more than one pass."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isnan(values.sum()))


def first_observed(values):
    """Return the first value of each feature, (n_steps, width) -> (width,), that is not NaN; else NaN."""
    return values[np.isnan(values).argmin(axis=0), np.arange(values.shape[1])]
