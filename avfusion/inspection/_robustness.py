"""Robustness of a fitted model: its score with absent streams, dropped frames or noise in one modality."""

import warnings
from itertools import product
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from avfusion.estimators._inputs import choose_modalities
from avfusion.estimators._training import random_generator
from avfusion.inspection._corruption import with_dropped_steps, with_noise, without_stream
from avfusion.inspection._panels import draw_bands, panel_axes, tidy
from avfusion.metrics._scores import one_score
from avfusion.sequences import sequence_columns
from avfusion.sequences._messages import brief, quoted
from avfusion.sequences._recordings import is_table, read_recordings

__all__ = ["RobustnessDisplay", "robustness_curve"]

DAMAGES = {  # function and label of the axis
    "absent": (without_stream, "share of rows without the stream"),
    "dropped": (with_dropped_steps, "share of frames dropped"),
    "noise": (with_noise, "signal-to-noise ratio (dB)"),
}


def robustness_curve(
    model,
    X,
    y,
    *,
    damages=("absent", "dropped", "noise"),
    modalities=None,
    shares=(0.0, 0.25, 0.5, 0.75, 1.0),
    snr_db=(20.0, 10.0, 0.0, -10.0),
    scoring="ccc",
    n_repeats=5,
    random_state=0,
) -> "RobustnessDisplay":
    """Score a fitted model on rows in which one stream is corrupted.

    X is corrupted as it is given, so that a Pipeline preprocesses the corrupted streams as it would in use.
    What a small share removes, a larger one removes too.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted.
    X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
        Rows that the model was not trained on.
    y : per-frame or per-clip targets
        Their labels.
    damages : {"absent", "dropped", "noise"} or sequence of them
        "absent" takes the whole stream from a share of the rows (never the only stream of a row), "dropped"
        makes a share of its frames NaN, "noise" adds Gaussian noise to its features.
    modalities : str or list of str, optional
        Streams to damage, one at a time; by default all of them.
    shares : sequence of float
        Of rows or frames, from 0 to 1.
    snr_db : sequence of float
        Signal-to-noise ratios in dB, relative to the variance of each feature.
    scoring : str or callable, default="ccc"
        As in `avfusion.compare`, one score.
    n_repeats : int, default=5
        Number of random draws of what is corrupted.
    random_state : int, RandomState or None, default=0
        Seed of the draws; they do not depend on which damages and modalities are asked for.

    Returns
    -------
    RobustnessDisplay
        With the scores in `table`, and ``plot()``.

    Raises
    ------
    ValueError
        If X is a table without streams, a damage or modality is unknown, a share is not from 0 to 1, a ratio
        not finite, or there is no damage, share, ratio or repeat, or not one score. Errors of the model for
        rows that are not corrupted are raised unchanged.

    Warns
    -----
    UserWarning
        If the model raises an error for corrupted rows; their score is NaN.

    Examples
    --------
    >>> import avfusion as av
    >>> from avfusion.inspection import robustness_curve
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     8, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> model = av.EarlyFusionRegressor(max_epochs=5, random_state=0).fit(X, y)
    >>> curve = robustness_curve(model, X, y, damages=["noise"], snr_db=(20, -20), n_repeats=2)
    >>> curve.table.columns.tolist()
    ['damage', 'modality', 'amount', 'repeat', 'score']
    """
    check_is_fitted(model)
    if is_table(X):
        raise ValueError(
            "X is a table of numbers, which has no streams to damage. Fit the model on sequence columns, as "
            "avfusion.as_sequences makes them, and give them here too."
        )
    data = read_recordings(X, caller=type(model).__name__)
    X = data.frame
    amounts_of = _amounts(damages, shares, snr_db)
    names = choose_modalities(data, modalities)
    score_name, score = one_score(scoring, "robustness_curve")
    if not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats={n_repeats!r} must be an integer of at least 1.")
    check_random_state(random_state)
    if not isinstance(random_state, Integral):
        random_state = random_generator(random_state).randint(2**31 - 1)

    def score_of(X):
        return float(score(y, model.predict(X)))

    undamaged, lines = score_of(X), []
    for damage, amounts in amounts_of.items():
        for name in names:
            lines += _lines(damage, name, amounts, n_repeats, X, score_of, random_state, undamaged)
    table = pd.DataFrame(lines, columns=["damage", "modality", "amount", "repeat", "score"])
    return RobustnessDisplay(table=table, score_name=score_name, undamaged=undamaged)


def _lines(damage, name, amounts, n_repeats, X, score_of, random_state, undamaged):
    """Return the rows of the table for one kind of damage to one stream."""
    lines, refused = [], None
    for amount, repeat in product(amounts, range(n_repeats)):
        value = undamaged
        if damage == "noise" or amount > 0:
            seed = [random_state, list(DAMAGES).index(damage), sequence_columns(X).index(name), repeat]
            corrupted = DAMAGES[damage][0](X, name, amount, np.random.default_rng(seed))
            try:
                value = score_of(corrupted)
            except ValueError as error:
                value, refused = np.nan, refused or error
        lines.append((damage, name, float(amount), repeat, value))
    if refused is not None:
        warnings.warn(
            f"The model refuses rows whose stream {name!r} is corrupted ({damage}). Their score is NaN. "
            f"{refused}",
            stacklevel=3,
        )
    return lines


def _amounts(damages, shares, snr_db):
    """Return the amounts of each damage, by its name."""
    damages = [damages] if isinstance(damages, str) else list(damages)
    if not damages or len(set(damages)) < len(damages):
        raise ValueError(f"damages={brief(damages)} must name one or more of {quoted(DAMAGES)}, each once.")
    for damage in damages:
        if damage not in DAMAGES:
            raise ValueError(f"damages has {damage!r}. Choose from {quoted(DAMAGES)}.")
    amounts = {}
    if set(damages) - {"noise"}:
        amounts = dict.fromkeys(DAMAGES, _numbers(shares, "shares", "numbers from 0 to 1", 0, 1))
    if "noise" in damages:
        amounts["noise"] = _numbers(snr_db, "snr_db", "finite numbers of dB", -np.inf, np.inf)
    return {damage: amounts[damage] for damage in damages}


def _numbers(values, name, expected, low, high):
    """Return a list of finite numbers in a range."""
    if np.ndim(values) != 1 or isinstance(values, str) or not len(values):
        raise ValueError(f"{name}={brief(values)} must be a sequence of {expected}, of one at least.")
    for value in values:
        if not isinstance(value, Real) or not np.isfinite(value) or not low <= value <= high:
            raise ValueError(f"{name} has {value!r}, but must hold {expected}.")
    return list(values)


class RobustnessDisplay:
    """Scores with corrupted streams, one panel for each kind of damage; `robustness_curve` returns it.

    Parameters
    ----------
    table : DataFrame
        One row per damage, modality, amount and repeat: "damage" ("absent", "dropped", "noise"), "modality",
        "amount" (share, or dB), "repeat" and "score".
    score_name : str
        Label of the axis.
    undamaged : float
        Score without damage.

    Attributes
    ----------
    axes_ : ndarray of Axes
        A panel for each damage.
    figure_ : Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from avfusion.inspection import RobustnessDisplay
    >>> table = pd.DataFrame(
    ...     [("absent", "audio", 0.0, 0, 0.6), ("absent", "audio", 1.0, 0, 0.2)],
    ...     columns=["damage", "modality", "amount", "repeat", "score"],
    ... )
    >>> display = RobustnessDisplay(table=table, score_name="ccc", undamaged=0.6)
    >>> display.summary()["score"].to_dict()
    {('absent', 'audio', 0.0): 0.6, ('absent', 'audio', 1.0): 0.2}
    """

    def __init__(self, *, table, score_name, undamaged):
        self.table = table
        self.score_name = score_name
        self.undamaged = undamaged

    def summary(self):
        """Average over repeats.

        Returns
        -------
        DataFrame
            Indexed by damage, modality and amount, with the column "score".
        """
        return self.table.groupby(["damage", "modality", "amount"], sort=False)[["score"]].mean()

    def plot(self, axes=None):
        """Draw the mean score over repeats, and the range of the repeats.

        Parameters
        ----------
        axes : Axes or array-like of Axes, optional
            One for each damage, or one that is divided; by default a new figure.

        Returns
        -------
        RobustnessDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `axes` holds another number of axes than there are damages.
        """
        damages = list(pd.unique(self.table["damage"]))
        self.axes_ = panel_axes(axes, len(damages), n_columns=len(damages), panel_size=(3.2, 2.8))
        for ax in self.axes_[1:] if axes is None else ():
            ax.sharey(self.axes_[0])
            ax.tick_params(labelleft=False)
        for ax, damage in zip(self.axes_, damages):
            self._draw(ax, damage)
        self.axes_[0].set_ylabel(self.score_name)
        self.axes_[0].legend(frameon=False, title="damaged stream")
        self.figure_ = self.axes_[0].figure
        return self

    def _draw(self, ax, damage):
        lines = self.table[self.table["damage"] == damage]
        draw_bands(
            ax,
            {
                name: own.groupby("amount")["score"].agg(["mean", "min", "max"])
                for name, own in lines.groupby("modality", sort=False)
            },
        )
        ax.axhline(self.undamaged, color="0.5", linewidth=0.8, linestyle=":")
        ax.set_xlabel(DAMAGES[damage][1])
        if damage == "noise" and not ax.xaxis_inverted():
            ax.invert_xaxis()  # damage grows to the right everywhere
        tidy(ax)
