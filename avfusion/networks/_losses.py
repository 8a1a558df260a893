"""Losses over labelled entries.

Each takes a prediction, a target and a mask, all of shape (N, K): N entries (frames or clips, pooled), K
targets, True where labelled. Each target's loss is taken over all its labelled entries and then averaged
over the targets that have any. Entries outside the mask may hold anything, NaN included. Without a single
label the loss is zero, and so are its gradients.

A weight, (N, K) too, makes means weighted means and moments weighted moments: an entry of weight 2 counts as
two equal entries, one of weight 0 as one outside the mask. All that matters is their ratio within a target.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["LOSSES", "ccc_loss", "ccc_mse_loss", "huber_loss", "mae_loss", "mse_loss"]


def ccc_loss(prediction: Tensor, target: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """One minus the concordance correlation coefficient (Lin, Biometrics 1989).

    CCC = 2 cov(x, y) / (var(x) + var(y) + (mean(x) - mean(y))^2 + eps) with population moments. In this
    covariance form a constant prediction has a finite gradient; it has CCC 0.

    Parameters
    ----------
    prediction, target : Tensors of shape (N, K)
        N entries (frames or clips, pooled) of K targets; anything outside the mask, NaN included.
    mask : bool Tensor of shape (N, K)
        True where labelled.
    weight : Tensor of shape (N, K), optional
        How much each entry counts, 0 or more; by default all alike.

    Returns
    -------
    Tensor of shape ()
        Between 0 and 2.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> y = torch.tensor([[1.0], [2.0], [3.0]])
    >>> ccc_loss(y + 1.0, y, torch.ones_like(y, dtype=torch.bool))  # 1 - 2 * 2/3 / (2/3 + 2/3 + 1)
    tensor(0.4286)
    """
    if weight is not None:
        return _weighted_ccc_loss(prediction, target, mask, weight)
    x, y, n = labelled(prediction, target, mask)  # (N, K), (N, K), (K,)
    mean_x, mean_y = x.sum(0) / n, y.sum(0) / n  # (K,)
    x, y = torch.where(mask, x - mean_x, 0.0), torch.where(mask, y - mean_y, 0.0)
    spread = (x.square().sum(0) + y.square().sum(0)) / n + (mean_x - mean_y).square()
    ccc = 2 * (x * y).sum(0) / n / (spread + 1e-8)
    return average(1 - ccc, mask)


def mse_loss(prediction: Tensor, target: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared error.

    Parameters
    ----------
    prediction, target, mask, weight : Tensors of shape (N, K)
        As in `ccc_loss`.

    Returns
    -------
    Tensor of shape ()
        In squared units of the target.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> y = torch.zeros(2, 1)
    >>> mse_loss(torch.tensor([[2.0], [9.0]]), y, torch.tensor([[True], [False]]))
    tensor(4.)
    """
    return pointwise(F.mse_loss, prediction, target, mask, weight)


def mae_loss(prediction: Tensor, target: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute error.

    Parameters
    ----------
    prediction, target, mask, weight : Tensors of shape (N, K)
        As in `ccc_loss`.

    Returns
    -------
    Tensor of shape ()
        In units of the target.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> y = torch.zeros(2, 1)
    >>> mae_loss(torch.tensor([[2.0], [9.0]]), y, torch.tensor([[True], [False]]))
    tensor(2.)
    """
    return pointwise(F.l1_loss, prediction, target, mask, weight)


def huber_loss(prediction: Tensor, target: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """Huber loss, e^2 / 2 up to |e| = 1 and |e| - 1/2 beyond.

    Parameters
    ----------
    prediction, target, mask, weight : Tensors of shape (N, K)
        As in `ccc_loss`.

    Returns
    -------
    Tensor of shape ()
        At least 0. The switch at 1 is in units of the target, which is best standardised.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> y = torch.zeros(2, 1)
    >>> huber_loss(torch.tensor([[2.0], [9.0]]), y, torch.tensor([[True], [False]]))
    tensor(1.5000)
    """
    return pointwise(F.huber_loss, prediction, target, mask, weight)


def ccc_mse_loss(prediction: Tensor, target: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """One minus the CCC, plus half the mean squared error.

    The CCC alone does not mind where the error lies; half the squared error, of targets that the caller
    has standardised, steadies the scale of the prediction.

    Parameters
    ----------
    prediction, target, mask, weight : Tensors of shape (N, K)
        As in `ccc_loss`.

    Returns
    -------
    Tensor of shape ()
        At least 0.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> y = torch.tensor([[1.0], [2.0], [3.0]])
    >>> ccc_mse_loss(y + 1.0, y, torch.ones_like(y, dtype=torch.bool))
    tensor(0.9286)
    """
    ccc = ccc_loss(prediction, target, mask, weight)
    return ccc + 0.5 * mse_loss(prediction, target, mask, weight)


#: Name -> loss, as the `loss` parameter of the network estimators takes it.
LOSSES: dict[str, Callable[..., Tensor]] = {
    "ccc": ccc_loss,
    "mse": mse_loss,
    "mae": mae_loss,
    "huber": huber_loss,
    "ccc+mse": ccc_mse_loss,
}


def _weighted_ccc_loss(prediction, target, mask, weight):
    x, y, share, mask = weighted(prediction, target, mask, weight)
    mean_x, mean_y = (share * x).sum(0), (share * y).sum(0)  # (K,)
    x, y = x - mean_x, y - mean_y
    spread = (share * (x.square() + y.square())).sum(0) + (mean_x - mean_y).square()
    return average(1 - 2 * (share * x * y).sum(0) / (spread + 1e-8), mask)


def pointwise(error: Callable[..., Tensor], prediction, target, mask, weight=None) -> Tensor:
    """Average an error per entry over each target's labelled entries, then over targets."""
    if weight is not None:
        x, y, share, mask = weighted(prediction, target, mask, weight)
        return average((share * error(x, y, reduction="none")).sum(0), mask)
    x, y, n = labelled(prediction, target, mask)
    return average(error(x, y, reduction="none").sum(0) / n, mask)  # x = y = 0 outside the mask


def weighted(prediction, target, mask, weight) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Prediction and target, zero where nothing counts, shares of sum 1 in each target, and what counts."""
    if weight.shape != mask.shape:
        raise ValueError(
            f"weight must have the shape {tuple(mask.shape)} of mask, not {tuple(weight.shape)}."
        )
    mask = mask & (weight > 0)
    x, y, _ = labelled(prediction, target, mask)
    share = torch.where(mask, weight, 0.0)
    share = share / torch.where(mask.any(0), share.amax(0), 1.0)  # whatever is in a batch, of ordinary size
    return x, y, share / torch.where(mask.any(0), share.sum(0), 1.0), mask


def labelled(prediction: Tensor, target: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Prediction and target, zero outside the mask, and the number of labels (K,), at least 1."""
    if not prediction.shape == target.shape == mask.shape or prediction.ndim != 2:
        raise ValueError(
            "prediction, target and mask must have one shape (N, K), not "
            f"{tuple(prediction.shape)}, {tuple(target.shape)} and {tuple(mask.shape)}."
        )
    n = mask.sum(0).clamp(min=1)
    return torch.where(mask, prediction, 0.0), torch.where(mask, target, 0.0), n


def average(per_target: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    """Average the losses (K,) of the targets that have labels."""
    has_labels = mask.any(0)  # (K,)
    return torch.where(has_labels, per_target, 0.0).sum() / has_labels.sum().clamp(min=1)
