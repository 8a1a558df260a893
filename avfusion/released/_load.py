"""Weights of the released code in an estimator."""

from copy import deepcopy
from dataclasses import replace

import numpy as np

from avfusion.released._weights import load_released, read_released
from avfusion.sequences import SequenceDtype, TargetForm
from avfusion.sequences._data_spec import DataSpec
from avfusion.sequences._messages import quoted


def load_into(estimator, state_dict, targets):
    """Put released weights into an estimator; one that is not fitted gets all that predictions need.

    Everything is done to a copy first, so that an error leaves the estimator as it was.
    """
    fitted = hasattr(estimator, "net_")
    names = estimator.modalities_ if fitted else estimator.modalities or ("video", "audio")
    names = [names] if isinstance(names, str) else list(names)
    targets = [targets] if isinstance(targets, str) else list(targets)
    state = read_released(state_dict)
    if names == ["audio", "video"]:
        raise ValueError(
            "The released network has the video first, and this estimator the audio. Make it with "
            "modalities=['video', 'audio']."
        )
    ready = deepcopy(estimator)
    if not fitted:
        _initialize_without_data(ready, names, _stream_widths(state), targets)
    for net in ready.nets_:
        load_released(net.module_, state)
    ready.spec_ = replace(ready.spec_, target_mean=np.zeros(2), target_scale=np.ones(2))
    learnt = vars(ready).keys() - estimator.get_params(deep=False).keys()
    vars(estimator).update({name: vars(ready)[name] for name in learnt})


def _stream_widths(weights):
    """Return the widths of the released network's two streams."""
    names = [f"{stream}_extract.rnn.weight_ih_l0" for stream in ("video", "audio")]
    missing = [name for name in names if name not in weights]
    if missing:
        raise ValueError(f"The weights do not fit the network. Missing: {quoted(missing)}.")
    for name in names:
        if weights[name].ndim != 2:
            raise ValueError(
                f"The weights do not fit the network. {name} has the shape {tuple(weights[name].shape)}; two "
                "axes are needed."
            )
    return [weights[name].shape[1] for name in names]


def _initialize_without_data(estimator, names, widths, targets):
    """Give an estimator the spec that `fit` would read off the data, and networks to load weights into."""
    if len(names) != 2 or len(targets) != 2:
        raise ValueError(
            f"The released network has two streams and two targets, but the estimator has {len(names)} and "
            f"{len(targets)}. Set modalities and targets to two names each."
        )
    column = SequenceDtype(np.float32, 1)
    form = TargetForm(True, tuple(targets), 2, "frame", (1, 1), (False, False), (column, column))
    spec = DataSpec(
        widths=dict(zip(names, widths)),
        rates_hz=dict.fromkeys(names),
        n_columns=2,
        column_names=np.array(names, dtype=object),
        in_step=tuple(names),
        target_form=form,
        dtype=np.dtype(np.float32),
    )
    statistics = {name: (np.zeros(width), np.ones(width)) for name, width in zip(names, widths)}
    with estimator._settled(spec):
        # by hand: without an end of training that `partial_fit` would have to keep to; with a seed each
        estimator.nets_ = [estimator._net_by_hand(statistics, seed) for seed in range(estimator.n_members)]
    estimator.net_ = estimator.nets_[0]
