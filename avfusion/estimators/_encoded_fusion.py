"""The base of the fusion methods that share their encoders and differ in what stands between them."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from avfusion.estimators._network_regressor import FusionRegressor
from avfusion.networks import EncodedFusion


@dataclass(kw_only=True, eq=False, repr=False)
class EncodedFusionRegressor(FusionRegressor):
    """Base of the methods that put a core between an LSTM for each stream and one for the fused sequence.

    A subclass says which core: ``_core()`` returns a callable ``core(n_modalities, hidden_size)`` for
    `avfusion.networks.EncodedFusion`.

    Parameters
    ----------
    {encoder_parameters}
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    {fitted_attributes}
    """

    intra_lstm: bool = True
    joint_lstm: bool = True

    _parameter_constraints: ClassVar[dict] = {
        **FusionRegressor._parameter_constraints,
        "intra_lstm": ["boolean"],
        "joint_lstm": ["boolean"],
    }

    def _network(self):
        return partial(
            EncodedFusion,
            core=self._core(),
            hidden_size=self.hidden_size,
            intra_lstm=self.intra_lstm,
            joint_lstm=self.joint_lstm,
            dropout=self.dropout,
        )
