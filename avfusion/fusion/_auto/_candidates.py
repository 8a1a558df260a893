"""The estimators that `AutoFusionRegressor` tries by default, as they suit the data."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from avfusion.estimators import FrameRegressor, UnimodalRegressor
from avfusion.fusion._auto._time_steps import in_step, label_rate, linear, time_steps
from avfusion.fusion.early_fusion import EarlyFusionRegressor
from avfusion.fusion.recursive_joint_attention import RecursiveJointAttentionRegressor
from avfusion.preprocessing import Align, Functionals, OnFrames

__all__ = ["Candidate", "default_candidates"]

CONTEXT_S = (1, 5, 21, 61)
FEW_ROWS = 3000  # up to which a kernel is affordable
CLIPS_FOR_NETWORKS = 50  # below which they cost most and tell least
SECONDS_FOR_NETWORKS = 3000.0  # of labels per frame; frames where rates are unknown
STEPS_OF_A_CLIP = 50  # that networks see at most, where rates are known
N_TREES = 200
FEW_STREAMS = 3  # up to which each gets a network of its own
ALPHAS = tuple(np.logspace(-1, 6, 22))


@dataclass(frozen=True)
class Candidate:
    """One estimator to try.

    Parameters
    ----------
    name : str
    estimator : estimator or None
        None for a mean of others.
    streams : list of str
        The sequence columns that it sees.
    mean_of : tuple of str
        Candidates whose mean it is.
    given : bool
        Whether the user gave it.
    costly : bool
        Whether it is fitted in all folds only if the first ones ask for it.

    Examples
    --------
    >>> Candidate("ridge", Ridge(), ["audio"]).mean_of
    ()
    """

    name: str
    estimator: BaseEstimator | None
    streams: list
    mean_of: tuple = ()
    given: bool = False
    costly: bool = False


def default_candidates(data, random):
    """Return the estimators to try, from cheap to expensive.

    Parameters
    ----------
    data : Recordings
        With labels.
    random : RandomState
        For their seeds.

    Returns
    -------
    list of Candidate

    Raises
    ------
    ValueError
        If labels are per frame, and rates that would bring the streams to them are unknown.

    Examples
    --------
    >>> import avfusion as av
    >>> from avfusion.sequences._recordings import read_recordings
    >>> X, y = av.datasets.make_audiovisual_regression(4, target="clip", random_state=0)
    >>> data = read_recordings(X, y, caller="AutoFusionRegressor")
    >>> [one.name for one in default_candidates(data, np.random.RandomState(0))][:3]
    ['ridge', 'ridge-audio', 'ridge-video']
    """
    present = [name for name, column in data.columns.items() if not column.isna().all()]
    several = [("", present)] + [(f"-{name}", [name]) for name in present if len(present) > 1]
    tried = []
    for kind in _kinds(data, random):
        tried += [
            Candidate(name + end, estimator, streams)
            for end, streams in several
            if (made := kind(streams)) is not None
            for name, estimator in [made]
        ]
    return tried + (_networks(data, present, random) if _enough_for_networks(data) else [])


def _enough_for_networks(data):
    """Return whether there are so many labels that networks may tell more than lines and trees."""
    if not data.targets.form.per_frame:
        return len(data) >= CLIPS_FOR_NETWORKS and not _one_step_each(data)
    n_labelled = np.count_nonzero(~np.isnan(data.targets.counted.values).all(axis=1))
    return n_labelled / (label_rate(data.targets) or 1.0) >= SECONDS_FOR_NETWORKS


def _kinds(data, random):
    """Return functions that make name and estimator of each kind for some streams, cheap ones first."""
    if data.targets.form.per_frame:
        return _on_frames(data, random)
    return _on_functionals(data, random)


def _on_functionals(data, random):
    """Return the kinds for labels per clip: a row of functionals for each clip."""
    one_step, n_rows = _one_step_each(data), len(data)
    few = ("mean",) if one_step else ("mean", "std")
    all_of_them = few if one_step else Functionals().statistics
    seeds = random.randint(2**31 - 1, size=2)

    def ridge(streams):
        return "ridge", make_pipeline(Functionals(all_of_them), *linear(FrameRegressor(RidgeCV(ALPHAS))))

    def kernel(streams):
        if not 10 <= n_rows <= FEW_ROWS:
            return None
        width = len(few) * sum(data.columns[name].width for name in streams)
        basis = Nystroem(gamma=2 / width, n_components=min(max(n_rows // 2, 2), 400), random_state=seeds[0])
        table = [*rank_gauss(data, few_frames=[]), Functionals(few)]
        regressor = FrameRegressor(make_pipeline(basis, RidgeCV(ALPHAS)))
        return "kernel", make_pipeline(*table, *linear(regressor))

    def trees(streams):
        return "trees", _forest(all_of_them, 3, seeds[1])

    def trees_of_means(streams):
        return "trees of means", _forest(("mean",), 1, seeds[1])

    return [ridge, kernel, trees] if one_step else [ridge, kernel, trees_of_means, trees]


def _forest(statistics, min_samples_leaf, seed):
    """Return extra trees on functionals."""
    forest = ExtraTreesRegressor(
        N_TREES, min_samples_leaf=min_samples_leaf, max_features=0.3, random_state=seed
    )
    filled = SimpleImputer(keep_empty_features=True)
    return make_pipeline(Functionals(statistics), filled, FrameRegressor(forest))


def _on_frames(data, random):
    """Return the kinds for labels per frame: a row for each frame and what is around it."""
    seeds = random.randint(2**31 - 1, size=2)

    def ridge(streams):
        return "ridge", _frames(data, streams, linear(Ridge(alpha=1000)))

    def boosting(streams):
        trees = HistGradientBoostingRegressor(
            max_iter=100, learning_rate=0.05, early_stopping=False, random_state=seeds[0]
        )
        return "boosting", _frames(data, streams, trees)

    return [ridge, boosting]


def _networks(data, present, random):
    """Return networks: one for each stream and their mean, early fusion, recursive joint attention."""
    per_frame = data.targets.form.per_frame
    seeds = iter(random.randint(2**31 - 1, size=len(present) + 2))
    alone = [
        Candidate(
            f"network-{name}",
            _network(data, [name], UnimodalRegressor(name), next(seeds)),
            [name],
            costly=True,
        )
        for name in present
        if len(present) <= FEW_STREAMS
    ]
    if len(present) == 1:
        return alone
    if alone:
        alone.append(Candidate("late fusion", None, present, mean_of=tuple(one.name for one in alone)))
    if not per_frame and not _can_align(data, present):
        return alone
    together = {"early fusion": EarlyFusionRegressor(), "joint attention": RecursiveJointAttentionRegressor()}
    return alone + [
        Candidate(name, _network(data, present, network, next(seeds)), present, costly=True)
        for name, network in together.items()
    ]


def _network(data, streams, network, seed):
    per_frame, steps = data.targets.form.per_frame, []
    if per_frame:
        steps = time_steps(data.frame[streams], data.targets, CONTEXT_S)
    elif _can_align(data, streams):
        steps = _coarser(data, streams)
    standard = [OnFrames(StandardScaler())]
    scaled = standard if per_frame else rank_gauss(data, standard)
    return make_pipeline(*steps, *scaled, network.set_params(random_state=int(seed)))


def _coarser(data, streams):
    """Return steps that leave a clip about `STEPS_OF_A_CLIP` steps, without context, which networks have."""
    rates = [data.columns[name].rate_hz for name in streams]
    if None in rates:
        return []
    lengths = [np.median(data.columns[name].lengths[~data.columns[name].isna()]) for name in streams]
    duration_s = max(n / rate for n, rate in zip(lengths, rates))
    rate_hz = min(*rates, STEPS_OF_A_CLIP / duration_s)
    several = max(rates) > rate_hz
    return [Align(rate_hz=float(rate_hz), aggregate=("mean", "std") if several else ("mean",))]


def _can_align(data, streams):
    """Return whether streams can be brought to one number of steps."""
    known = all(data.columns[name].rate_hz is not None for name in streams)
    return data.targets.form.per_frame or known or in_step(data.frame[streams], data.targets)


def _frames(data, streams, regressor):
    steps = time_steps(data.frame[streams], data.targets, CONTEXT_S)
    return make_pipeline(*steps, FrameRegressor(regressor)) if steps else FrameRegressor(regressor)


def _one_step_each(data):
    """Return whether no stream has more than one step: a table, and nothing for networks of sequences."""
    return not data.targets.form.per_frame and all((c.lengths <= 1).all() for c in data.columns.values())


def rank_gauss(data, few_frames):
    """Return steps that bring every feature to a normal distribution, by its ranks among training frames.

    Parameters
    ----------
    data : Recordings
    few_frames : list of transformer
        What to do in place of it where frames are too few for ranks.

    Returns
    -------
    list of transformer
    """
    n_frames = min(np.maximum(column.lengths, 0).sum() for column in data.columns.values())
    if n_frames < 100:
        return few_frames
    n_quantiles = int(min(n_frames // 3, 1000))
    ranks = QuantileTransformer(n_quantiles=n_quantiles, output_distribution="normal", random_state=0)
    return [OnFrames(ranks)]
