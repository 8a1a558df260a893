"""Padding and missing data.

Every network here follows one convention. A batch holds, per stream, features ``x`` (B, T, D) and a
mask (B, T), True where the step exists in the row. Rows are padded on the right and the padding may
hold anything. NaN is *not observed*: an existing step all of whose features are NaN is unobserved, and the
networks put a learnt vector there. In a step of which some features were observed, as those of a voice are
in frames without pitch, the others take their mean over the training rows (`FusionModel`).
Inside the networks padded steps are zero, so that nothing can leak from them.
"""

import torch
from torch import Tensor

__all__ = [
    "existing_steps",
    "masked_mean",
    "masked_mean_std",
    "missing_features",
    "observed",
    "without_padding",
    "zero_padding",
]


def existing_steps(masks: dict[str, Tensor]) -> Tensor:
    """Find the steps that exist in at least one stream.

    Parameters
    ----------
    masks : dict of str to bool Tensor of shape (B, T)
        Per stream, True where the step exists.

    Returns
    -------
    bool Tensor of shape (B, T)

    Examples
    --------
    >>> import torch
    >>> existing_steps({"audio": torch.tensor([[True, False]]), "video": torch.tensor([[True, True]])})
    tensor([[True, True]])
    """
    return torch.stack(list(masks.values())).any(0)


def missing_features(x: Tensor) -> Tensor | None:
    """Find the features that are missing from steps of which others were observed.

    Parameters
    ----------
    x : Tensor of shape (B, T, D)
        Features, NaN where not observed.

    Returns
    -------
    bool Tensor of shape (B, T, D) or None
        None where there is none, which is found out in one pass over x.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[[1.0, 2.0], [float("nan"), 2.0], [float("nan"), float("nan")]]])
    >>> missing_features(x)
    tensor([[[False, False],
             [ True, False],
             [False, False]]])
    >>> missing_features(x[:, [0, 2]]) is None
    True
    """
    if not x.detach().sum().isnan():  # the usual case
        return None
    missing = x.isnan()
    missing &= ~missing.all(-1, keepdim=True)
    return missing if missing.any() else None


def observed(x: Tensor, mask: Tensor) -> Tensor:
    """Find what exists and was measured: whole steps, or where some lack a feature, single features.

    Parameters
    ----------
    x : Tensor of shape (B, T, D)
        Features, NaN where not observed.
    mask : bool Tensor of shape (B, T)
        True where the step exists.

    Returns
    -------
    bool Tensor of shape (B, T) or (B, T, D)
        The latter where a step within the mask has both observed and missing features.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[[1.0, 2.0], [float("nan"), float("nan")], [0.0, 0.0]]])
    >>> observed(x, torch.tensor([[True, True, False]]))
    tensor([[ True, False, False]])
    >>> x[0, 1, 0] = 3.0
    >>> observed(x, torch.tensor([[True, True, False]])).shape
    torch.Size([1, 3, 2])
    """
    complete = mask & ~x.detach().sum(-1).isnan()  # one pass over x; isnan(x).any(-1) takes two
    if torch.equal(complete, mask):
        return complete
    features = mask.unsqueeze(-1) & ~x.isnan()  # (B, T, D)
    return features if (features.any(-1) & ~complete).any() else complete


def by_feature(mask: Tensor) -> Tensor:
    """Give a mask of steps an axis of features: (B, T) -> (B, T, 1); (B, T, D) stays as it is."""
    return mask.unsqueeze(-1) if mask.dim() == 2 else mask


def zero_padding(x: Tensor, mask: Tensor) -> Tensor:
    """Set what is outside the mask to zero, whatever it holds (NaN and inf included).

    Parameters
    ----------
    x : Tensor of shape (B, T, D)
    mask : bool Tensor of shape (B, T) or (B, T, D)

    Returns
    -------
    Tensor of shape (B, T, D)

    Examples
    --------
    >>> import torch
    >>> zero_padding(torch.tensor([[[1.0], [float("inf")]]]), torch.tensor([[True, False]])).flatten()
    tensor([1., 0.])
    """
    if without_padding(mask):
        return x
    return x.masked_fill(~by_feature(mask), 0.0)


def without_padding(mask: Tensor) -> bool:
    """Return whether all steps are inside the mask, where finding out is cheaper than acting on it.

    Most batches are windows of one length. On a GPU the question would wait for all work under way.

    Examples
    --------
    >>> import torch
    >>> without_padding(torch.tensor([[True, True]])), without_padding(torch.tensor([[True, False]]))
    (True, False)
    """
    return mask.device.type == "cpu" and bool(mask.all())


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Average over the steps inside the mask; zero for a row without any.

    Parameters
    ----------
    x : Tensor of shape (B, T, D)
        Features of each step; anything outside the mask, NaN included.
    mask : bool Tensor of shape (B, T) or (B, T, D)
        True for the steps, or the features of steps, to average.

    Returns
    -------
    Tensor of shape (B, D)
        Mean of each row and feature, in units of x.

    Examples
    --------
    >>> import torch
    >>> masked_mean(torch.tensor([[[1.0], [3.0], [99.0]]]), torch.tensor([[True, True, False]]))
    tensor([[2.]])
    """
    count = by_feature(mask).sum(1).clamp(min=1)  # (B, 1) or (B, D)
    return zero_padding(x, mask).sum(1) / count


def masked_mean_std(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation over the steps inside the mask.

    A row with one step has standard deviation zero, and so has a row with none, whose mean is zero
    too. The gradient of the standard deviation is taken as zero where it is zero.

    Parameters
    ----------
    x : Tensor of shape (B, T, D)
        Features of each step; anything outside the mask, NaN included.
    mask : bool Tensor of shape (B, T) or (B, T, D)
        True for the steps, or the features of steps, that count.

    Returns
    -------
    mean : Tensor of shape (B, D)
        Mean of each row and feature, in units of x.
    std : Tensor of shape (B, D)
        Standard deviation, in units of x.

    Examples
    --------
    >>> import torch
    >>> masked_mean_std(torch.tensor([[[1.0], [3.0], [99.0]]]), torch.tensor([[True, True, False]]))
    (tensor([[2.]]), tensor([[1.]]))
    """
    mean = masked_mean(x, mask)
    variance = masked_mean((zero_padding(x, mask) - mean.unsqueeze(1)).square(), mask)
    varies = variance > 0
    std = variance.where(varies, 1.0).sqrt().where(varies, 0.0)  # sqrt has no gradient at 0
    return mean, std
