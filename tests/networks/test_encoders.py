import pytest
import torch

from avfusion.networks import StreamEncoder


@pytest.mark.parametrize("recurrent", [True, False])
def test_output_has_unit_variance_and_zero_padding(recurrent, make_batch):
    encoder = StreamEncoder(5, 16, recurrent).eval()
    streams, masks = make_batch({"a": 5}, [4, 9])
    out = encoder(streams["a"], masks["a"])
    assert out.shape == (2, 9, 16)
    assert (out[0, 4:] == 0).all()
    inside = out[masks["a"]]
    torch.testing.assert_close(inside.mean(1), torch.zeros(13), atol=1e-5, rtol=0)
    torch.testing.assert_close(inside.var(1, unbiased=False), torch.ones(13), atol=1e-2, rtol=0)


def test_without_lstm_steps_are_independent():
    encoder = StreamEncoder(3, 7, recurrent=False).eval()
    x, mask = torch.randn(2, 6, 3), torch.ones(2, 6, dtype=torch.bool)
    changed = x.clone()
    changed[:, 2] += 1
    same = (encoder(x, mask) == encoder(changed, mask)).all(-1)
    assert same.sum(1).tolist() == [5, 5]
    assert not same[:, 2].any()


def test_with_lstm_every_step_sees_every_other():
    encoder = StreamEncoder(3, 8).eval()
    x, mask = torch.randn(1, 6, 3), torch.ones(1, 6, dtype=torch.bool)
    changed = x.clone()
    changed[:, 2] += 1
    assert (encoder(x, mask) != encoder(changed, mask)).any(-1).all()


def test_dropout_in_training_only():
    encoder = StreamEncoder(3, 8, dropout=0.5)
    x, mask = torch.randn(4, 20, 3), torch.ones(4, 20, dtype=torch.bool)
    assert 0.3 < (encoder(x, mask) == 0).double().mean() < 0.7
    assert (encoder.eval()(x, mask) != 0).all()
