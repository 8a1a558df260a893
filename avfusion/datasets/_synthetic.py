"""Synthetic recordings with slow labels, of which each modality, and only both together, explain a share."""

import inspect
import math
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from avfusion.datasets._signals import gaussian_signal, telegraph_signal, variance_of_mean
from avfusion.sequences import SequenceArray
from avfusion.sequences._messages import brief

_NUMBERS = (
    *("label_rate_hz", "audio_rate_hz", "video_rate_hz", "timescale_s", "signal_to_noise", "delay_s"),
    *("subject_offset", "audio_share", "video_share", "joint_share", "subject_share"),
    *("audio_absent_share", "video_absent_share"),
)

MODALITIES = ("audio", "video")


def make_audiovisual_regression(
    n_recordings=40,
    *,
    recordings_per_subject=5,
    duration_s=(60.0, 140.0),
    label_rate_hz=1.0,
    audio_rate_hz=10.0,
    video_rate_hz=5.0,
    audio_width=6,
    video_width=8,
    audio_share=0.2,
    video_share=0.2,
    joint_share=0.5,
    subject_share=0.0,
    timescale_s=10.0,
    signal_to_noise=1.0,
    subject_offset=0.2,
    delay_s=0.0,
    audio_absent_share=0.0,
    video_absent_share=0.0,
    target="frame",
    random_state=None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Draw recordings of two modalities whose slow label needs each of them, and both of them together.

    A stand-in for continuous affect: ragged recordings nested in subjects, streams with different rates,
    labels that change slowly and may lag. The shares set how much of the label each modality explains;
    :func:`audiovisual_truth` returns these parts.

    Parameters
    ----------
    n_recordings : int, default=40
        Number of rows.
    recordings_per_subject : int, default=5
        Recordings of one subject follow each other; the last subject may have fewer.
    duration_s : (float, float), default=(60, 140)
        Shortest and longest recording; lengths are drawn uniformly between them, in whole label steps.
    label_rate_hz : float, default=1
        Labels per second.
    audio_rate_hz, video_rate_hz : float, default=10 and 5
        Frames per second of each stream: whole multiples of `label_rate_hz`. Equal rates give streams that
        are aligned from the start; others need :class:`avfusion.Align`.
    audio_width, video_width : int, default=6 and 8
        Number of features of each stream, at least 2.
    audio_share, video_share, joint_share, subject_share : float, default=0.2, 0.2, 0.5, 0
        Shares of the label's variance that are explained by audio alone, by video alone, only by both
        together, and by an offset per subject that is in no stream. They sum to at most 1; the rest is noise
        in the label. So the best R2 of any model that does not know the subject is at most ``audio_share +
        video_share + joint_share``.
    timescale_s : float, default=10
        Every part of the label but the subject's has the autocorrelation ``exp(-lag / timescale_s)`` from
        instant to instant. It may be infinite: then each recording is constant.
    signal_to_noise : float, default=1
        Variance of the signal over that of the noise, in each feature of each frame.
    subject_offset : float, default=0.2
        Standard deviation of the constant that a subject adds to each feature, where the signal has 1.
    delay_s : float, default=0
        Delay of the label behind the streams: a multiple of the finest step that the rates share (0.1 s with
        the default rates).
    audio_absent_share, video_absent_share : float, default=0
        Share of the recordings, rounded down, that lack the stream (a missing value). None lacks both.
    target : {"frame", "clip"}, default="frame"
        A label sequence per recording, or one number: its scaled mean. For clips choose `timescale_s` near
        the duration.
    random_state : int, RandomState instance or None, default=None
        Seed. With the same int, the shares and the target only change the labels, never the streams, and
        absence only takes streams away.

    Returns
    -------
    X : pandas.DataFrame
        ``audio`` and ``video`` (``sequence[float32, width, rate]``), and ``subject``, an int from 0.
    y : pandas.Series named ``"label"``
        ``sequence[float64, 1, rate]`` for ``target="frame"``, float64 for ``"clip"``; of expected mean 0 and
        variance 1.

    Raises
    ------
    ValueError
        If a parameter is out of its range. The message names it and the values that it may have.

    Notes
    -----
    Each stream shows two independent slow signals, mixed linearly into its features with random weights: a
    Gaussian ``u`` (Ornstein-Uhlenbeck) and a gate ``g`` that flips between -1 and 1 at random times (a
    telegraph signal, of mean 0). With shares ``s`` and the delay ``d``, the label at time ``t`` is::

        sqrt(s_audio) u_audio(t - d) + sqrt(s_video) u_video(t - d)
        + sqrt(s_joint) g_audio(t - d) g_video(t - d) + sqrt(s_subject) o(subject) + sqrt(s_noise) n(t)

    averaged over each label step and scaled back to variance 1. The gates are independent, so nothing at all
    can be learnt about their product from one stream, and nothing linear from both: it is a continuous
    exclusive or. A frame is the mean of the signals over its period plus noise; so the mean of ``m`` frames
    determines ``u`` up to noise of variance ``2 / (signal_to_noise * width * m)``.

    Examples
    --------
    >>> from avfusion.datasets import make_audiovisual_regression
    >>> X, y = make_audiovisual_regression(n_recordings=3, random_state=0)
    >>> X.dtypes
    audio      sequence[float32, 6, 10Hz]
    video       sequence[float32, 8, 5Hz]
    subject                         int64
    dtype: object
    >>> [(len(audio), len(video), len(label)) for audio, video, label in zip(X["audio"], X["video"], y)]
    [(920, 460, 92), (830, 415, 83), (900, 450, 90)]
    """
    return _Recordings(SimpleNamespace(**locals())).observed()


def audiovisual_truth(*args, **parameters):
    """Return the parts that sum to the labels of :func:`make_audiovisual_regression`.

    Parameters
    ----------
    *args, **parameters
        The same as those of :func:`make_audiovisual_regression`, with the same int as `random_state`.

    Returns
    -------
    pandas.DataFrame
        A row per recording and a column per part, in the form of the label (sequences at its rate, or numbers
        for clips): ``audio``, ``video``, ``joint``, ``subject`` and ``noise``, whose sum is the label; and
        for frames ``audio_gate`` and ``video_gate``, the mean gates of each label step (delayed as the label
        is).

    Raises
    ------
    ValueError
        If `random_state` is not an int: without it the truth of other data would come out.
    TypeError
        If a parameter is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.datasets import audiovisual_truth, make_audiovisual_regression
    >>> X, y = make_audiovisual_regression(n_recordings=3, random_state=0)
    >>> truth = audiovisual_truth(n_recordings=3, random_state=0)
    >>> parts = truth[["audio", "video", "joint", "subject", "noise"]].iloc[0]
    >>> bool(np.allclose(sum(np.asarray(part) for part in parts), np.asarray(y[0])))
    True
    """
    call = inspect.signature(make_audiovisual_regression).bind(*args, **parameters)
    call.apply_defaults()
    if not isinstance(call.arguments["random_state"], (int, np.integer)):
        raise ValueError("random_state must be the int that the data was made with.")
    return _Recordings(SimpleNamespace(**call.arguments)).truth()


class _Recordings:
    """Lengths, subjects and hidden signals of both modalities, drawn before anything is observed.

    Signals live on a grid of `points` per label step, fine enough that each frame covers whole points, and
    begin `lead` points (the delay) before the streams do. Arrays are (n_rows, longest row); a row has `steps`
    label steps.
    """

    def __init__(self, parameters):
        self.p = p = parameters
        _check(p)
        self.per_step = {m: _frames_per_step(p, m) for m in MODALITIES}
        self.points = math.lcm(*self.per_step.values())
        self.lead = _lead(p, self.points)
        shortest, longest = _step_range(p)
        self.decay = math.exp(-1 / (p.timescale_s * p.label_rate_hz * self.points))

        seed = check_random_state(p.random_state).randint(np.iinfo(np.int32).max)
        rng, self.label_rng, self.absence_rng, *frame_rngs = np.random.default_rng(seed).spawn(5)
        self.frame_rng = dict(zip(MODALITIES, frame_rngs))
        self.subject = np.arange(p.n_recordings) // p.recordings_per_subject
        self.steps = rng.integers(shortest, longest + 1, size=p.n_recordings)
        shape = (p.n_recordings, self.steps.max() * self.points + self.lead)
        self.smooth = {m: gaussian_signal(rng, shape, self.decay) for m in MODALITIES}
        # The autocorrelation of a product is the product of both, so each gate must last twice as long.
        self.gate = {m: telegraph_signal(rng, shape, math.sqrt(self.decay)) for m in MODALITIES}

    def observed(self):
        """Return X and y of the data set."""
        absent = self._absent_rows()
        X = pd.DataFrame({m: self._stream(m, absent[m]) for m in MODALITIES} | {"subject": self.subject})
        return X, pd.Series(self._label_column(sum(self._parts().values())), index=X.index, name="label")

    def truth(self):
        """Return the parts of the label and, for frames, the gates at label times."""
        columns = self._parts()
        if self.p.target == "frame":
            columns |= {f"{m}_gate": self._step_means(self.gate[m]) for m in MODALITIES}
        return pd.DataFrame({name: self._label_column(values) for name, values in columns.items()})

    def _parts(self):
        """Return the parts that sum to the label: (n_rows, longest) for frames, (n_rows,) for clips."""
        shape = self.gate["audio"].shape
        offsets = self.label_rng.standard_normal(self.subject[-1] + 1)[self.subject]
        noise = gaussian_signal(self.label_rng, shape, self.decay)
        signals = {**self.smooth, "joint": self.gate["audio"] * self.gate["video"], "noise": noise}
        frames = self.p.target == "frame"
        points = [self.points] if frames else self.steps * self.points  # that one label is the mean of
        deviation = math.sqrt(np.mean([variance_of_mean(n, self.decay) for n in points]))
        average = self._step_means if frames else self._row_means
        values = {name: average(signal) / deviation for name, signal in signals.items()}
        values["subject"] = np.broadcast_to(offsets[:, None], values["noise"].shape) if frames else offsets
        return {name: math.sqrt(share) * values[name] for name, share in _shares(self.p).items()}

    def _step_means(self, signal):
        """Return delayed means over label steps, (n_rows, longest)."""
        delayed = signal[:, : signal.shape[1] - self.lead]
        return delayed.reshape(len(signal), -1, self.points).mean(axis=2)

    def _row_means(self, signal):
        """Return means over whole rows, (n_rows,)."""
        points = self.steps * self.points
        exists = np.arange(signal.shape[1]) < points[:, None]
        return np.where(exists, signal, 0).sum(axis=1) / points

    def _label_column(self, values):
        """Return values as a column in the form of the label."""
        if self.p.target == "clip":
            return values
        exists = np.arange(values.shape[1]) < self.steps[:, None]
        return _sequences(values[exists][:, None], self.steps, self.p.label_rate_hz)

    def _stream(self, modality, absent):
        """Return the column of a modality: two signals mixed into features, subject offsets and noise."""
        p, rng, per_step = self.p, self.frame_rng[modality], self.per_step[modality]
        width = getattr(p, f"{modality}_width")
        mixing, _ = np.linalg.qr(rng.standard_normal((width, 2)))  # (width, 2), orthonormal columns
        offsets = p.subject_offset * rng.standard_normal((self.subject[-1] + 1, width))
        lengths = self.steps * per_step
        exists = np.arange(lengths.max()) < lengths[:, None]
        signals = np.stack([self.smooth[modality], self.gate[modality]], axis=2)[:, self.lead :]
        means = signals.reshape(*exists.shape, -1, 2).mean(axis=2)[exists]  # (n_frames, 2)
        frames = math.sqrt(width / 2) * means @ mixing.T + np.repeat(offsets[self.subject], lengths, axis=0)
        frames += rng.standard_normal(frames.shape) / math.sqrt(p.signal_to_noise)
        return _sequences(frames.astype(np.float32), lengths, per_step * p.label_rate_hz, absent)

    def _absent_rows(self):
        """Return the rows that lack each modality: the first of a random order lack audio, the last video."""
        p, n_rows = self.p, self.p.n_recordings
        order = self.absence_rng.permutation(n_rows)
        counts = [int(share * n_rows + 1e-9) for share in (p.audio_absent_share, p.video_absent_share)]
        ends = (order[: counts[0]], order[n_rows - counts[1] :])
        return {m: np.isin(np.arange(n_rows), end) for m, end in zip(MODALITIES, ends)}


def _sequences(frames, lengths, rate_hz, missing=False):
    """Return a column of the consecutive sequences in `frames`, without those of missing rows."""
    kept = frames[np.repeat(~np.broadcast_to(missing, len(lengths)), lengths)]
    return SequenceArray.from_packed(kept, np.where(missing, -1, lengths), rate_hz)


def _shares(p):
    """Return the share of the label's variance of each part."""
    shares = {name: getattr(p, f"{name}_share") for name in ("audio", "video", "joint", "subject")}
    return shares | {"noise": max(0.0, 1 - sum(shares.values()))}


def _check(p):
    """Raise an error for parameters out of range, before anything is drawn."""
    for name in _NUMBERS:
        _require(isinstance(getattr(p, name), Real), p, name, "a number")
    for name in ("label_rate_hz", "audio_rate_hz", "video_rate_hz", "delay_s"):
        _require(math.isfinite(getattr(p, name)), p, name, "a finite number")
    counts = {"n_recordings": 1, "recordings_per_subject": 1, "audio_width": 2, "video_width": 2}
    for name, least in counts.items():
        value = getattr(p, name)
        _require(isinstance(value, Integral) and value >= least, p, name, f"an integer of at least {least}")
    for name in ("label_rate_hz", "timescale_s", "signal_to_noise"):
        _require(getattr(p, name) > 0, p, name, "positive")
    _require(p.subject_offset >= 0, p, "subject_offset", "0 or more")
    _require(p.target in ("frame", "clip"), p, "target", "'frame' or 'clip'")
    labels = ["audio_share", "video_share", "joint_share", "subject_share"]
    for names in (labels, ["audio_absent_share", "video_absent_share"]):
        for name in names:
            _require(0 <= getattr(p, name) <= 1, p, name, "in 0..1")
        if (total := sum(getattr(p, name) for name in names)) > 1 + 1e-9:
            raise ValueError(f"{' + '.join(names)} is {total:g}, but may be at most 1; lower one of them.")


def _frames_per_step(p, modality):
    """Return the number of frames of a stream in one label step."""
    name = f"{modality}_rate_hz"
    ratio = getattr(p, name) / p.label_rate_hz
    whole = ratio >= 1 and math.isclose(ratio, round(ratio))
    _require(whole, p, name, f"a whole multiple of label_rate_hz={p.label_rate_hz:g}")
    return round(ratio)


def _lead(p, points):
    """Return the number of grid points by which the label lags."""
    lead, period_s = p.delay_s * p.label_rate_hz * points, 1 / (p.label_rate_hz * points)
    whole = 0 <= lead < 1e9 and math.isclose(lead, round(lead), abs_tol=1e-9)
    _require(
        whole, p, "delay_s", f"a multiple of {period_s:g} s, the finest step that both rates share, or 0"
    )
    return round(lead)


def _step_range(p):
    """Return the smallest and largest number of label steps of a recording."""
    pair = isinstance(p.duration_s, (list, tuple, np.ndarray)) and len(p.duration_s) == 2
    pair = pair and all(isinstance(s, Real) and 0 < s < math.inf for s in p.duration_s)
    shortest, longest = (s * p.label_rate_hz for s in p.duration_s) if pair else (1, 0)
    shortest, longest = max(1, math.ceil(shortest - 1e-9)), math.floor(longest + 1e-9)
    _require(shortest <= longest, p, "duration_s", "(shortest, longest) with a whole label step between them")
    return shortest, longest


def _require(fulfilled, p, name, what):
    """Raise a ValueError about a parameter unless a condition is fulfilled."""
    if not fulfilled:
        raise ValueError(f"{name}={brief(getattr(p, name))} must be {what}.")
