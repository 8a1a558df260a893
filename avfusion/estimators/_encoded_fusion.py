"""The base of the methods that share their encoders, and the door for a core of one's own."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from avfusion.estimators._fusion_regressor import FusionRegressor
from avfusion.networks import EncodedFusion
from avfusion.networks._checks import checked_core


class EncodedFusionRegressor(FusionRegressor):
    """Put a core between an LSTM for each stream and one for the fused sequence: your own, or a subclass's.

    Every stream is read by an encoder that gives h = `hidden_size` features per step, the core fuses these,
    and another encoder reads what results. A subclass that fixes `core` is a method with a name.

    Parameters
    ----------
    core : callable
        A class or function, called as ``core(n_modalities, hidden_size, **parameters)``. It returns a torch
        module, called as ``module(streams, mask)`` with a list of hidden sequences (B, T, h), zero in the
        padding, and the bool mask (B, T) of existing steps. That gives one sequence (B, T,
        ``module.output_size``), zero in the padding.

        Its parameters are given as ``core__rank=8``, here and in `set_params`. Those of the estimator's own
        parameters that the signature of `core` names, such as ``dropout``, are passed on to it, too.
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    FusionRegressor : A whole network of your own.
    avfusion.fusion.check_core : Checks what is asked of a core.

    Examples
    --------
    >>> import avfusion as av
    >>> from avfusion.fusion import LowRankFusion
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.EncodedFusionRegressor(core=LowRankFusion, core__rank=2, max_epochs=3, random_state=0)
    >>> model.fit(X, y).predict(X).shape == y.shape
    True
    """

    network = EncodedFusion
    core: Callable | None = None
    intra_lstm: bool = True
    joint_lstm: bool = True

    if TYPE_CHECKING:  # at run time `ModuleParameters` lets it take ``core__rank``

        def __init__(self, *, core: Callable | None = None, **parameters: Any): ...

    _modules: ClassVar[dict] = {"network": 1, "core": 2}
    _parameter_constraints: ClassVar[dict] = {
        "core": [callable, None],
        "intra_lstm": ["boolean"],
        "joint_lstm": ["boolean"],
    }

    def _network(self):
        return partial(self._built_by("network"), core=partial(checked_core, self._built_by("core")))
