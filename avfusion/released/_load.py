"""Weights of the released code in an estimator."""

from copy import deepcopy

import numpy as np
import pandas as pd

from avfusion.estimators._training import seeded
from avfusion.released._weights import load_released, read_released
from avfusion.sequences import SequenceArray, as_sequences


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
        _settle_without_data(ready, names, _stream_widths(state), targets)
    for net in ready.nets_:
        load_released(net.module_, state)
    ready.target_mean_, ready.target_scale_ = np.zeros(2), np.ones(2)
    learnt = vars(ready).keys() - estimator.get_params(deep=False).keys()
    vars(estimator).update({name: vars(ready)[name] for name in learnt})


def _stream_widths(weights):
    """Return the widths of the released network's two streams."""
    names = [f"{stream}_extract.rnn.weight_ih_l0" for stream in ("video", "audio")]
    missing = [name for name in names if name not in weights]
    if missing:
        raise ValueError(f"The weights do not fit the network. missing: {', '.join(missing)}.")
    for name in names:
        if weights[name].ndim != 2:
            raise ValueError(
                f"The weights do not fit the network. {name} has the shape {tuple(weights[name].shape)}; two "
                "axes are needed."
            )
    return [weights[name].shape[1] for name in names]


def _settle_without_data(estimator, names, widths, targets):
    """Give an estimator what `fit` finds out about the form of the data, from one row of zeros."""
    if len(names) != 2 or len(targets) != 2:
        raise ValueError(
            f"The released network has two streams and two targets; got modalities {names} and targets "
            f"{targets}."
        )
    zeros = {name: [np.zeros((2, width), np.float32)] for name, width in zip(names, widths)}
    X = as_sequences(zeros)
    y = pd.DataFrame({name: SequenceArray.from_sequences([np.zeros(2, np.float32)]) for name in targets})
    _, data, form = estimator._read_training_data(X, y, reset=True)
    estimator._settle(form, data)
    statistics = {name: (np.zeros(width), np.ones(width)) for name, width in zip(names, widths)}
    with seeded(0, estimator.device):
        net = estimator._build_net(statistics, data, seed=0).initialize()
    estimator.nets_, estimator.net_ = [net] + [deepcopy(net) for _ in range(estimator.n_members - 1)], net
