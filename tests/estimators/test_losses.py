import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, KFold
from torch.nn import functional as F

import avfusion as av
from avfusion.estimators._losses import OwnLoss, check_loss

QUICK = {"hidden_size": 4, "max_epochs": 2, "batch_size": 2, "random_state": 0}


def rows(per_frame=True):
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(n, 3)) for n in (5, 9, 7, 8, 6, 12)]
    y = [cell[:, 0] for cell in cells]
    return av.as_sequences({"audio": cells}), y if per_frame else np.array([cell.mean() for cell in y])


def fit(per_frame=True, **settings):
    X, y = rows(per_frame)
    return av.EarlyFusionRegressor(**QUICK | settings).fit(X, y)


def ignores_the_mask(p, t, labelled):
    return (p - t).square().mean()


def masks_too_late(p, t, labelled):
    return (p - t).square()[labelled].mean()


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (torch.nn.MSELoss, r"loss=MSELoss is a class. Give what it builds, loss=MSELoss\(\)"),
        (torch.nn.MSELoss(reduction="none"), r"gave the shape \(8,\).*reduction='mean'"),
        (torch.nn.GaussianNLLLoss(), "loss=GaussianNLLLoss failed"),
        (F.mse_loss, "loss=mse_loss failed"),
        (lambda p, t: (p - t).mean(), "failed as loss.prediction, target, labelled.*takes 2 positional"),
        (av.metrics.ccc_score, "loss=ccc_score failed"),
        (lambda p, t, labelled: (p - t) ** 2, r"gave the shape \(8, 1\), but one number"),
        (lambda p, t, labelled: (p - t).square().sum(1), r"gave the shape \(8,\)"),
        (lambda p, t, labelled: 1.0, "gave float, but one number with a gradient"),
        (lambda p, t, labelled: None, "gave NoneType"),
        (lambda p, t, labelled: torch.tensor(1.0), "with a gradient"),
        (lambda p, t, labelled: (p - t)[labelled].mean().detach(), "with a gradient"),
        (lambda p, t, labelled: torch.ones(1, requires_grad=True), "does not depend on the prediction"),
    ],
)
def test_what_is_no_loss(loss, told):
    with pytest.raises(TypeError, match=told):
        fit(loss=loss)


@pytest.mark.works_with("skorch", "losses of one's own that take NaN labels for numbers", refused=True)
@pytest.mark.parametrize(
    ("loss", "told"), [(ignores_the_mask, "is NaN"), (masks_too_late, "has a gradient that is NaN")]
)
def test_a_loss_that_does_not_leave_out_what_is_not_labelled(loss, told):
    with pytest.raises(ValueError, match=f"loss={loss.__name__} {told} where labels are. .*p.labelled."):
        fit(loss=loss)
    with pytest.raises(ValueError, match=f"loss={loss.__name__} {told}"):
        av.EarlyFusionRegressor(loss=loss, **QUICK).partial_fit(*rows())
    assert fit(per_frame=False, loss=loss).predict(rows()[0]).shape == (6,)  # each clip has its label


def test_what_is_tried_leaves_the_random_numbers_alone():
    state = torch.get_rng_state()
    check_loss(lambda p, t, labelled: F.mse_loss(p[labelled], t[labelled]) * torch.rand(()), 3)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.works_with("skorch", "torch's loss modules, on labelled entries")
def test_a_module_of_torch_sees_labelled_entries_only():
    p, t = torch.tensor([[1.0, 2.0], [5.0, 7.0]]), torch.tensor([[0.0, torch.nan], [torch.nan, 4.0]])
    assert OwnLoss(torch.nn.MSELoss())(p, t, ~t.isnan()).item() == pytest.approx((1 + 9) / 2)
    own = fit(loss=lambda p, t, labelled: F.mse_loss(p[labelled], t[labelled]))
    torchs = fit(loss=torch.nn.MSELoss())
    assert torchs.net_.history[:, "train_loss"] == own.net_.history[:, "train_loss"]


def test_a_batch_without_labels_has_loss_zero():
    X, y = rows()
    y = [cell if row % 2 else np.full_like(cell, np.nan) for row, cell in enumerate(y)]
    own = av.EarlyFusionRegressor(**QUICK | {"batch_size": 1}, loss=torch.nn.L1Loss()).fit(X, y)
    assert np.isfinite(own.net_.history[:, "train_loss"]).all()
    assert np.isfinite(np.concatenate(list(own.predict(X)))).all()


def test_weights_of_a_loss_are_trained_and_not_shared():
    class Weighted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def forward(self, prediction, target, mask):
            error = F.mse_loss(prediction[mask], target[mask])
            return error * torch.exp(-self.weight) + self.weight

    loss = Weighted()
    trained = fit(loss=loss, lr=0.1).net_.criterion_.function.loss
    assert loss.weight.item() == 0
    assert trained.weight.item() != 0


def test_names_and_functions_in_a_grid():
    losses = ["mse", "ccc", torch.nn.HuberLoss(delta=0.5)]
    grid = GridSearchCV(av.EarlyFusionRegressor(**QUICK), {"loss": losses}, cv=KFold(2)).fit(*rows())
    assert len(set(grid.cv_results_["mean_test_score"])) == 3
    with pytest.raises(ValueError, match="'loss' parameter of EarlyFusionRegressor must be"):
        fit(loss="rmse")
