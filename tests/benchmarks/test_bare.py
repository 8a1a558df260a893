import numpy as np
import torch

from avfusion import RecursiveJointAttentionRegressor
from avfusion.networks._layers import BidirectionalLSTM
from benchmarks import bare, report


def test_default_model_is_that_of_the_estimator():
    widths = {"audio": 3, "video": 4}
    X, y = report.recordings([9] * 4, widths)
    fitted = RecursiveJointAttentionRegressor(max_epochs=1).fit(X, y).net_.module_
    assert str(bare.default_model(widths)) == str(fitted)


def test_padded_batches_hold_the_recordings_in_order():
    X, y = report.recordings([5] * 3, {"audio": 2})
    (first, _, labels), (last, masks, _) = bare.padded_batches(X, y, batch_size=2)
    assert first["audio"].shape == (2, 5, 2)
    np.testing.assert_array_equal(last["audio"][0], np.asarray(X["audio"].array[2]))
    assert masks["audio"].all()
    np.testing.assert_allclose(labels[1, :, 0], y[1], rtol=1e-6)


def test_training_moves_the_weights_and_lowers_the_loss():
    torch.manual_seed(0)
    X, _ = report.recordings([20] * 8, {"audio": 2})
    y = [np.asarray(row)[:, 0] for row in X["audio"].array]
    model, batches = bare.default_model({"audio": 2}), bare.padded_batches(X, y, 4)
    settings = RecursiveJointAttentionRegressor()

    def loss():
        with torch.no_grad():
            return sum(
                bare.labelled_loss(model.eval()(streams, masks), labels) for streams, masks, labels in batches
            )

    before = loss()
    bare.train(model, batches, 30, settings)
    assert loss() < before / 2


def test_packed_lstm_computes_the_same_as_ours():
    ours = BidirectionalLSTM(3, 4)
    theirs = bare.PackedLSTM(3, 4)
    with torch.no_grad():
        for own, suffix in [(ours.forwards, ""), (ours.backwards, "_reverse")]:
            for name, value in own.named_parameters():
                getattr(theirs.lstm, name + suffix).copy_(value)
    mask = torch.arange(6) < torch.tensor([[4], [6]])
    x = torch.randn(2, 6, 3)
    torch.testing.assert_close(theirs(x, mask), ours(x, mask), atol=1e-6, rtol=0)


def test_packed_model_has_no_lstm_of_ours_left():
    modules = list(bare.packed_model({"audio": 3, "video": 4}).modules())
    assert sum(isinstance(module, bare.PackedLSTM) for module in modules) == 3
    assert not any(isinstance(module, BidirectionalLSTM) for module in modules)


def test_collate_masks_what_is_padded():
    X, y = report.recordings([3, 5], {"audio": 2})
    rows = bare.Recordings(X, y)
    inputs, labels = bare.collate([rows[0], rows[1]])
    assert inputs["streams"]["audio"].shape == (2, 5, 2)
    assert inputs["masks"]["audio"].sum(1).tolist() == [3, 5]
    assert labels.isnan().sum(1).flatten().tolist() == [2, 0]
