import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from avfusion.networks import AbsenceEmbedding, BidirectionalLSTM, InputNorm
from avfusion.networks._layers import Dropout


class TestInputNorm:
    def test_standard_equals_standard_scaler_and_clips(self):
        frames = np.random.default_rng(0).normal([5, -2, 0], [3, 0.1, 1e-3], (500, 3))
        scaler = StandardScaler().fit(frames)
        norm = InputNorm(3, clip=2.0).double()
        norm.set_statistics(scaler.mean_, scaler.scale_)
        out = norm(torch.tensor(frames).view(5, 100, 3)).view(500, 3)
        np.testing.assert_allclose(out, scaler.transform(frames).clip(-2, 2), rtol=1e-10)
        assert out.abs().max() == 2.0

    def test_before_statistics_it_only_clips(self):
        assert InputNorm(2)(torch.tensor([[[0.5, -9.0]]])).tolist() == [[[0.5, -5.0]]]

    @pytest.mark.parametrize("std", [0.0, 1e-5])  # 1e-5 beside 1000: float32 rounding
    def test_constant_feature_becomes_zero_not_noise(self, std):
        norm = InputNorm(1)
        norm.set_statistics([1000.0], [std])
        assert norm(torch.tensor([[[1000.0], [1000.0001]]])).abs().max() < 1e-3
        assert norm.std.item() == 1.0

    @pytest.mark.parametrize("mode", ["standard", "layer", "unit", None])
    def test_nan_stays_nan_and_gradients_finite(self, mode):
        x = torch.tensor([[[1.0, 4.0, 2.0], [torch.nan, 0.0, 1.0]]], requires_grad=True)
        out = InputNorm(3, mode)(x)
        assert out[0, 1].isnan().any()
        assert out[0, 0].isfinite().all()
        out[0, 0].sum().backward()
        assert x.grad.isfinite().all()

    def test_layer_standardises_each_step(self):
        x = torch.randn(2, 4, 6, dtype=torch.float64) * 7 + 3
        expected = (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()
        torch.testing.assert_close(InputNorm(6, "layer")(x), expected)

    def test_unit_gives_each_step_length_one_and_leaves_zeros(self):
        x = torch.randn(2, 4, 6, dtype=torch.float64) * 7 + 3
        x[1, 2] = 0
        expected = x / x.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-12)
        torch.testing.assert_close(InputNorm(6, "unit")(x), expected)

    @pytest.mark.parametrize("mode", ["layer", "unit"])
    def test_one_feature_is_kept_standardised(self, mode):
        norm = InputNorm(1, mode)
        norm.set_statistics([10.0], [2.0])
        assert norm.mode == "standard"
        assert norm(torch.tensor([[[12.0], [8.0]]])).flatten().tolist() == [1.0, -1.0]

    def test_noise_in_training_only(self):
        norm, x = InputNorm(50, noise=0.3), torch.zeros(10, 100, 50)
        x[0, 0, 0] = torch.nan
        torch.manual_seed(0)
        noise = norm(x) - x
        assert noise.nanmean().item() == pytest.approx(0, abs=0.01)
        assert noise[1:].std().item() == pytest.approx(0.3, abs=0.01)
        assert noise[0, 0, 0].isnan()
        torch.testing.assert_close(norm.eval()(x), x, equal_nan=True)

    def test_statistics_travel_with_the_weights(self):
        norm, other = InputNorm(2), InputNorm(2)
        norm.set_statistics([1.0, 2.0], [3.0, 4.0])
        other.load_state_dict(norm.state_dict())
        assert (other.mean.tolist(), other.std.tolist()) == ([1.0, 2.0], [3.0, 4.0])

    def test_errors(self):
        with pytest.raises(ValueError, match="mode='batch' is unknown"):
            InputNorm(2, "batch")
        with pytest.raises(ValueError, match=r"std must have the shape \(2,\), not \(3,\)"):
            InputNorm(2).set_statistics([0, 0], [1, 1, 1])
        with pytest.raises(ValueError, match="mean of feature 1 is not finite"):
            InputNorm(2).set_statistics([0, np.nan], [1, 1])


class TestAbsenceEmbedding:
    def test_replaces_whole_steps_and_clears_padding(self):
        embedding = AbsenceEmbedding(2)
        nn.init.constant_(embedding.vector, 7.0)
        x = torch.tensor([[[1.0, 2.0], [torch.nan, torch.nan], [4.0, 5.0], [torch.inf, torch.nan]]])
        mask = torch.tensor([[True, True, False, False]])
        step_mask = torch.tensor([[True, True, True, False]])
        out = embedding(x, mask, step_mask)
        assert out.tolist() == [[[1.0, 2.0], [7.0, 7.0], [7.0, 7.0], [0.0, 0.0]]]
        assert embedding(x, mask).tolist() == [[[1.0, 2.0], [7.0, 7.0], [0.0, 0.0], [0.0, 0.0]]]

    def test_single_features_take_their_value_of_the_vector(self):
        embedding = AbsenceEmbedding(2)
        embedding.vector.data = torch.tensor([7.0, 8.0])
        x = torch.tensor([[[1.0, torch.nan], [torch.nan, torch.nan], [4.0, 5.0], [torch.inf, 1.0]]])
        mask = torch.tensor([[True, True, False, False]])
        step_mask = torch.tensor([[True, True, True, False]])
        expected = [[[1.0, 8.0], [7.0, 8.0], [7.0, 8.0], [0.0, 0.0]]]
        assert embedding(x, mask, step_mask).tolist() == expected

    def test_learns_from_absent_steps_only(self):
        embedding = AbsenceEmbedding(2)
        x = torch.ones(1, 4, 2)
        x[0, 1:3] = torch.nan
        embedding(x, torch.tensor([[True, True, True, False]])).sum().backward()
        assert embedding.vector.tolist() == [0.0, 0.0]  # begins at the mean of a normalised stream
        assert embedding.vector.grad.tolist() == [2.0, 2.0]


class TestDropout:
    def test_rate_scale_and_mean(self):
        torch.manual_seed(0)
        out = Dropout(0.3)(torch.ones(200, 500))
        assert (out == 0).double().mean().item() == pytest.approx(0.3, abs=0.01)
        torch.testing.assert_close(out[out != 0], torch.full_like(out[out != 0], 1 / 0.7))

    def test_gradient_is_the_same_mask(self):
        x = torch.ones(50, 50, dtype=torch.float64, requires_grad=True)
        out = Dropout(0.5)(x)
        out.sum().backward()
        torch.testing.assert_close(x.grad, out.detach())

    @pytest.mark.parametrize(("p", "expected"), [(0.0, 1.0), (1.0, 0.0)])
    def test_extremes_and_evaluation(self, p, expected):
        x = torch.ones(3, 3)
        assert (Dropout(p)(x) == expected).all()
        assert (Dropout(p).eval()(x) == 1).all()


def packed_lstm(layer, x, lengths):
    """torch's own packed bidirectional LSTM with the weights of `layer`."""
    hidden = layer.output_size // 2
    lstm = nn.LSTM(layer.input_size, hidden, batch_first=True, bidirectional=True, dtype=x.dtype)
    with torch.no_grad():
        for own, suffix in [(layer.forwards, ""), (layer.backwards, "_reverse")]:
            getattr(lstm, f"weight_hh_l0{suffix}").copy_(own.weight_hh_l0)
            bias_hh = getattr(lstm, f"bias_hh_l0{suffix}")
            weight_ih, bias_ih = (getattr(lstm, f"{kind}_ih_l0{suffix}") for kind in ("weight", "bias"))
            weight_ih.copy_(own.weight_ih_l0), bias_ih.copy_(own.bias_ih_l0)
            bias_hh.copy_(own.bias_hh_l0)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    out, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=x.shape[1])
    return lstm, out


@pytest.fixture
def two_threads():
    """Let torch use two threads for a while."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(n_threads)


class TestBidirectionalLSTM:
    lengths = (3, 9, 1, 6)

    @pytest.mark.parametrize("width", [1, 5, 80], ids=lambda width: f"width{width}")
    @pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
    def test_equals_packed_lstm_in_value_and_gradient(self, width, dtype, tolerance, randomise):
        layer = randomise(BidirectionalLSTM(width, 4).to(dtype))
        x = torch.randn(4, 9, width, dtype=dtype, generator=torch.Generator().manual_seed(1))
        mask = torch.arange(9) < torch.tensor(self.lengths).unsqueeze(1)
        weight = torch.randn(4, 9, 4, dtype=dtype)
        ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
        lstm, expected = packed_lstm(layer, theirs, self.lengths)
        out = layer(ours, mask)
        torch.testing.assert_close(out, expected, atol=tolerance, rtol=0)
        (out * weight).sum().backward()
        (expected * weight).sum().backward()
        gradients = {"atol": 30 * tolerance, "rtol": 30 * tolerance}
        torch.testing.assert_close(ours.grad, theirs.grad, **gradients)
        recurrent = layer.backwards.weight_hh_l0.grad
        torch.testing.assert_close(recurrent, lstm.weight_hh_l0_reverse.grad, **gradients)
        projection = layer.backwards.weight_ih_l0
        torch.testing.assert_close(projection.grad, lstm.weight_ih_l0_reverse.grad, **gradients)

    def test_without_padding_equals_torch_in_value_and_gradient(self, randomise):
        layer = randomise(BidirectionalLSTM(5, 4).double())
        ours = torch.randn(4, 9, 5, dtype=torch.float64, requires_grad=True)
        theirs = ours.detach().clone().requires_grad_()
        lstm, expected = packed_lstm(layer, theirs, [9] * 4)
        out = layer(ours, torch.ones(4, 9, dtype=torch.bool))
        torch.testing.assert_close(out, expected, atol=1e-12, rtol=0)
        out.square().sum().backward()
        expected.square().sum().backward()
        torch.testing.assert_close(ours.grad, theirs.grad)
        torch.testing.assert_close(layer.backwards.weight_hh_l0.grad, lstm.weight_hh_l0_reverse.grad)

    @pytest.mark.parametrize(("size", "expected"), [(32, 1), (512, 2)])
    def test_small_steps_run_on_one_thread_both_ways(self, size, expected, two_threads):
        layer, seen = BidirectionalLSTM(3, size), []

        def watch(module, arguments, output):
            seen.append(torch.get_num_threads())
            output[0].register_hook(lambda gradient: seen.append(torch.get_num_threads()))

        layer.forwards.register_forward_hook(watch)
        x = torch.randn(4, 5, 3, requires_grad=True)
        x.register_hook(lambda gradient: seen.append(torch.get_num_threads()))
        out = layer(x, torch.ones(4, 5, dtype=torch.bool))
        assert torch.get_num_threads() == 2
        out.sum().backward()
        assert seen == [expected, expected, 2]  # the last is what comes after the LSTM, backwards
        assert torch.get_num_threads() == 2

    def test_threads_come_back_where_inputs_need_no_gradient(self, two_threads):
        layer = BidirectionalLSTM(3, 4)
        layer(torch.randn(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)).sum().backward()
        assert layer.backwards.weight_hh_l0.grad.abs().sum() > 0
        assert torch.get_num_threads() == 2

    def test_padding_content_and_amount_do_not_matter(self):
        layer = BidirectionalLSTM(3, 6)
        x = torch.randn(1, 7, 3)
        alone = layer(x, torch.ones(1, 7, dtype=torch.bool))
        padded = torch.cat([x, torch.full((1, 5, 3), 1e6)], 1)
        out = layer(padded, (torch.arange(12) < 7).unsqueeze(0))
        torch.testing.assert_close(out[:, :7], alone, atol=1e-6, rtol=0)
        assert (out[:, 7:] == 0).all()

    def test_row_without_steps_gives_zeros(self):
        out = BidirectionalLSTM(3, 6)(torch.zeros(1, 4, 3), torch.zeros(1, 4, dtype=torch.bool))
        assert (out == 0).all()

    @pytest.mark.parametrize("size", [7, 1, 0])
    def test_odd_size_is_refused(self, size):
        with pytest.raises(ValueError, match=f"output_size={size} must be even"):
            BidirectionalLSTM(3, size)
