"""Padding and missing data.

Every network here follows one convention. A batch holds, per stream, features ``x`` (B, T, D) and a
mask (B, T), True where the step exists in the row. Rows are padded on the right and the padding may
hold anything. An existing step with a NaN in any feature is *unobserved*: its other features are not
used either, for features of one step come from one detector, which worked or failed as a whole.
Inside the networks padded steps are zero, so that nothing can leak from them.
"""

import torch
from torch import Tensor

__all__ = [
    "existing_steps",
    "masked_mean",
    "masked_mean_std",
    "observed_steps",
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


def observed_steps(x: Tensor, mask: Tensor) -> Tensor:
    """Find the steps that exist and whose features were all measured.

    Parameters
    ----------
    x : Tensor of shape (B, T, D)
        Features, NaN where not observed.
    mask : bool Tensor of shape (B, T)
        True where the step exists.

    Returns
    -------
    bool Tensor of shape (B, T)

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[[1.0, 2.0], [float("nan"), 2.0], [0.0, 0.0]]])
    >>> observed_steps(x, torch.tensor([[True, True, False]]))
    tensor([[ True, False, False]])
    """
    return mask & ~x.detach().sum(-1).isnan()  # one pass over x; isnan(x).any(-1) takes two


def zero_padding(x: Tensor, mask: Tensor) -> Tensor:
    """Set the steps outside the mask to zero, whatever they hold (NaN and inf included).

    Parameters
    ----------
    x : Tensor of shape (B, T, D)
    mask : bool Tensor of shape (B, T)

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
    return x.masked_fill(~mask.unsqueeze(-1), 0.0)


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
    mask : bool Tensor of shape (B, T)
        True for the steps to average.

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
    count = mask.sum(1, keepdim=True).clamp(min=1)  # (B, 1)
    return zero_padding(x, mask).sum(1) / count


def masked_mean_std(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation over the steps inside the mask.

    A row with one step has standard deviation zero, and so has a row with none, whose mean is zero
    too. The gradient of the standard deviation is taken as zero where it is zero.

    Parameters
    ----------
    x : Tensor of shape (B, T, D)
        Features of each step; anything outside the mask, NaN included.
    mask : bool Tensor of shape (B, T)
        True for the steps that count.

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
