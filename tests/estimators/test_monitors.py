import pytest
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
    PassthroughScoring,
)
from torch.optim.lr_scheduler import ReduceLROnPlateau

from avfusion.estimators._monitors import check_monitors


class Own(Callback):
    """Records who knows what."""


def up(monitor):
    return EarlyStopping(monitor=monitor, lower_is_better=False)


@pytest.mark.parametrize(
    ("callbacks", "told"),
    [
        ([EarlyStopping(monitor="valid_cc")], "'valid_cc', which nothing records .did you mean 'valid_ccc'"),
        (
            [up("r2"), EpochScoring("r2")],
            "monitors 'r2' of EpochScoring, which runs after it. List it before",
        ),
        ([Checkpoint(monitor="mine_best")], "'mine_best', which nothing records"),
        ([LRScheduler("ReduceLROnPlateau", monitor="mine")], "LRScheduler monitors 'mine'"),
        ([EarlyStopping(monitor="valid_ccc")], "takes the lowest 'valid_ccc' .* Set lower_is_better=False"),
        ([EpochScoring("r2"), EarlyStopping(monitor="r2")], "takes the lowest 'r2' for the best"),
        ([up("valid_loss")], "takes the greatest 'valid_loss' .* Set lower_is_better=True"),
        ([LRScheduler(ReduceLROnPlateau, monitor="valid_ccc")], "Set mode='max'"),
        ([EpochScoring("r2"), Checkpoint(monitor="r2_best")], "marks the lowest score"),
        ([EpochScoring("r2", name="valid_ccc")], "would record 'valid_ccc', which is recorded already"),
        ([PassthroughScoring("valid_loss")], "would record 'valid_loss'"),
        ([EpochScoring("r2"), BatchScoring("r2")], "BatchScoring would record 'r2'"),
    ],
)
def test_refused(callbacks, told):
    with pytest.raises(ValueError, match=told):
        check_monitors(callbacks, validates=True)


@pytest.mark.parametrize(
    "callbacks",
    [
        [EarlyStopping(), Checkpoint(), up("valid_ccc"), Checkpoint(monitor="valid_ccc_best")],
        [EpochScoring("r2", lower_is_better=False), up("r2"), Checkpoint(monitor="r2_best")],
        [Own(), EarlyStopping(monitor="mine"), EarlyStopping(monitor="valid_mine")],
        [LRScheduler("StepLR", step_size=1), LRScheduler(ReduceLROnPlateau, monitor="valid_ccc", mode="max")],
        [Checkpoint(monitor=None), Checkpoint(monitor=lambda net: True), EarlyStopping(monitor="event_cp")],
        [PassthroughScoring("train_loss", on_train=True), EpochScoring(lambda net, X, y: 1.0)],
    ],
)
def test_accepted(callbacks):
    check_monitors(callbacks, validates=True)


def test_a_score_of_the_users_own_needs_no_rows_for_validation():
    check_monitors([Own(), EarlyStopping(monitor="valid_mine")], validates=False)
    with pytest.raises(ValueError, match="no rows for validation"):
        check_monitors([Own(), EarlyStopping(monitor="valid_loss")], validates=False)
