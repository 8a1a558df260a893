"""The whole model that an estimator trains: input norms, a fusion network, a head."""

import torch
from torch import Tensor, nn

from avfusion.networks._layers import InputNorm
from avfusion.networks._masking import missing_features

__all__ = ["FusionModel"]


class FusionModel(nn.Module):
    """Normalise each stream, fuse them, predict.

    In a step of which some features are NaN and others are not, those that are missing take the mean that the
    input norm was given; the network sees NaN only in steps of which nothing was observed. The head sees NaN
    in both.

    Parameters
    ----------
    input_norms : dict of str to InputNorm
        One per stream; the streams that the model reads.
    network : Module
        ``network(streams, masks) -> (B, T, network.output_size)``.
    head : Module
        ``head(hidden, streams, masks)``, such as `FrameHead` or `ClipHead`. It sees the normalised
        streams without the training noise, which would inflate their standard deviations, or none if it
        says ``needs_streams = False``.

    Examples
    --------
    >>> import torch
    >>> from avfusion.networks import Concatenation, FrameHead, FusionModel, InputNorm
    >>> model = FusionModel(
    ...     {"audio": InputNorm(3)}, Concatenation({"audio": 3}, hidden_size=8), FrameHead(8, n_targets=2)
    ... )
    >>> model({"audio": torch.randn(2, 6, 3)}, {"audio": torch.ones(2, 6, dtype=torch.bool)}).shape
    torch.Size([2, 6, 2])
    """

    def __init__(self, input_norms: dict[str, InputNorm], network: nn.Module, head: nn.Module):
        super().__init__()
        self.names = tuple(input_norms)
        self.norms = nn.ModuleList(input_norms.values())
        self.network = network
        self.head = head

    @property
    def input_norms(self) -> dict[str, InputNorm]:
        """The input norm of each stream, by name."""
        return dict(zip(self.names, self.norms))

    def forward(self, streams: dict[str, Tensor], masks: dict[str, Tensor]) -> Tensor:
        """Predict.

        Parameters
        ----------
        streams : dict of str to Tensor of shape (B, T, D_m)
            Features; NaN where not observed, anything in the padding.
        masks : dict of str to bool Tensor of shape (B, T)
            True where the step exists; padding on the right.

        Returns
        -------
        Tensor of shape (B, T, K) with a `FrameHead`, (B, K) with a `ClipHead`
        """
        masks = {name: masks[name] for name in self.names}
        clean, noisy = {}, {}
        for name in self.names:
            noisy[name] = self._normalise(name, streams[name], clean)
        return self.head(self.network(noisy, masks), clean, masks)

    def _normalise(self, name, x, clean):
        """Return a normalised stream with noise; put it without noise into `clean` if the head needs it."""
        norm, missing = self.input_norms[name], missing_features(x)
        x = norm.normalise(norm.impute(x, missing))  # (B, T, D_m)
        if getattr(self.head, "needs_streams", True):
            clean[name] = x if missing is None else x.masked_fill(missing, torch.nan)
        return norm.perturb(x)
