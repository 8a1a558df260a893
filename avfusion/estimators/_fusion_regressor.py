"""The base of the networks that fuse one to many streams, and the door for a network of one's own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from avfusion.estimators import _inputs as inputs
from avfusion.estimators._module_parameters import ModuleParameters
from avfusion.estimators._network_regressor import NetworkRegressor
from avfusion.networks._checks import checked_network


class FusionRegressor(ModuleParameters, NetworkRegressor):
    """Train a network that fuses one to many streams: one of your own, or that of a subclass.

    A subclass that fixes `network` is a method with a name. If only what stands between the encoders of the
    streams is new, take `EncodedFusionRegressor`.

    Parameters
    ----------
    network : callable
        A class or function, called as ``network(widths, **parameters)`` with the widths of the streams by
        name. It returns a torch module, called as ``module(streams, masks)`` with a Tensor (B, T, D_m), NaN
        where not observed, and a bool Tensor (B, T) for each stream by its name. That gives a Tensor (B, T,
        ``module.output_size``), from which a head predicts.

        Its parameters are given as ``network__depth=2``, here and in `set_params`. Those of the estimator's
        own parameters that the signature of `network` names, such as ``hidden_size`` and ``dropout``, are
        passed on to it, too.
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    EncodedFusionRegressor : Encoders of the package around a core of your own.
    avfusion.fusion.check_network : Checks what is asked of a network.

    Examples
    --------
    >>> import avfusion as av
    >>> from avfusion.networks import Concatenation
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.FusionRegressor(network=Concatenation, network__dropout=0.2, max_epochs=3, random_state=0)
    >>> model.fit(X, y).predict(X).shape == y.shape
    True
    """

    modalities: Sequence[str] | str | None = None
    network: Callable | None = None

    if TYPE_CHECKING:  # at run time `ModuleParameters` lets it take ``network__depth``

        def __init__(self, *, network: Callable | None = None, **parameters: Any): ...

    _modules: ClassVar[dict] = {"network": 1}
    _parameter_constraints: ClassVar[dict] = {
        "modalities": ["array-like", str, None],
        "network": [callable, None],
    }

    def _check_parameters(self):
        super()._check_parameters()
        self._check_modules()

    def _choose_modalities(self, data):
        return inputs.choose_modalities(data, self.modalities)

    def _network(self):
        return partial(checked_network, self._built_by("network"))
