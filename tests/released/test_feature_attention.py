import pytest
import torch
from torch import nn
from torch.nn import functional as F

from avfusion.released import FeatureJointAttention, attended_features
from avfusion.released import _feature_attention as feature_attention
from avfusion.released._feature_attention import feature_correlation
from tests.networks.golden import Golden, loss
from tests.networks.published_parts import (
    FeatureJointCrossAttention,
    NormalizedHead,
    UnprojectedJointAttention,
)

STEPS = [FeatureJointAttention, FeatureJointCrossAttention]


def watch(module):
    seen = {}

    def keep(module, arguments, result):
        seen["in"], seen["out"] = arguments[0], result

    module.register_forward_hook(keep)
    return seen


def fill(parameters, golden, names):
    """Put published weights into parameters, by our and their names."""
    assert set(names) == set(parameters)
    with torch.no_grad():
        for ours, theirs in names.items():
            parameters[ours].copy_(golden.weights[theirs])


def random_arguments(sizes, requires_grad=True, dtype=torch.float64, n_rows=3, n_steps=4):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(n_rows, n_steps, d, dtype=dtype, generator=generator).requires_grad_(requires_grad)
        for d in sizes
    ]


class TestJointCrossAttention:
    """Against the released code of arXiv 2203.14779 and its later copy."""

    def build(self, module, n_steps):
        self.golden = Golden(module)
        names = ("audio", "video")
        self.encoders = nn.ModuleList(nn.Linear(512, 128) for _ in names).double()
        self.step = FeatureJointCrossAttention(2, 128, n_steps).double()
        self.parameters = dict(self.encoders.named_parameters()) | dict(self.step.named_parameters())
        self.names = {
            f"{m}.{kind}": f"encoder{m + 1}.{kind}" for m in range(2) for kind in ("weight", "bias")
        }
        for m, letter in enumerate("av"):
            self.names |= {
                f"queries.{m}.weight": f"affine_{letter}.weight",
                f"own.{m}.weight": f"W_{letter}.weight",
                f"joint.{m}.weight": f"W_c{letter}.weight",
                f"updates.{m}.weight": f"W_h{letter}.weight",
            }
        fill(self.parameters, self.golden, self.names)
        self.streams = {name: self.golden.input(name, (3, n_steps, 512)) for name in names}
        self.mask = torch.ones(3, n_steps, dtype=torch.bool)

    def attended(self):
        """Attended features by name, and all that is stored of the way to them."""
        seen = [(watch(query), watch(update)) for query, update in zip(self.step.queries, self.step.updates)]
        encoded = [encoder(x) for encoder, x in zip(self.encoders, self.streams.values())]
        attended = dict(zip(("att_audio", "att_video"), self.step(encoded, self.mask)))
        found = {}
        for name, x, (query, update) in zip(self.streams, encoded, seen):
            found |= {f"enc_{name}": x, f"C_{name}": feature_correlation(x, query["out"], 1 / 16)}
            found |= {f"H_{name}": update["in"], f"delta_{name}_T": update["out"]}
        return attended, found

    def check_gradients(self, total, others=(), prefix=""):
        gradients = dict.fromkeys(self.golden.names)
        parameters = {self.names[ours]: p for ours, p in self.parameters.items()} | dict(others)
        for parameter in [*parameters.values(), *self.streams.values()]:
            parameter.grad = None
        stored = self.golden.numbers[f"{prefix}loss"].item()
        assert total.item() == pytest.approx(stored, rel=1e-9, abs=1e-10)
        total.backward(retain_graph=True)
        gradients |= {name: p.grad for name, p in parameters.items()}
        self.golden.check_gradients(gradients, prefix)
        self.golden.check_input_gradients({name: x.grad for name, x in self.streams.items()}, prefix)

    def test_equals_the_released_block(self):
        self.build("jca_2022", 8)
        attended, found = self.attended()
        for name, value in attended.items():
            self.golden.check_output(f"out.{name}", value)
        self.golden.check_intermediates(found)
        self.check_gradients(loss(attended))

    def test_equals_the_copy_with_heads(self):
        self.build("jca_cam", 16)
        attended, found = self.attended()
        weights = {name: w.requires_grad_() for name, w in self.golden.weights.items() if "regressor" in name}
        features = torch.cat([self.streams["video"], attended["att_video"]], -1)
        outputs = {}
        for name in ("v", "a"):
            layers = [[weights[f"{name}regressor.{n}.{k}"] for k in ("weight", "bias")] for n in (0, 2)]
            outputs[name] = F.linear(F.linear(features, *layers[0]), *layers[1])
        for name, value in (attended | outputs).items():
            self.golden.check_output(f"out.{name}", value)
        self.golden.check_intermediates(found)
        self.check_gradients(loss(outputs), weights)
        self.check_gradients(loss(attended), dict.fromkeys(weights, torch.zeros(())), "two_sided.")


def test_equals_the_released_three_modalities():
    """Two steps and the head of arXiv 2403.13659, whose streams differ in width."""
    golden = Golden("rjcma")
    widths = {"video": 256, "logmel": 128, "bert": 128}
    steps = nn.ModuleList(UnprojectedJointAttention(3, list(widths.values()), n_steps=300) for _ in range(2))
    model = nn.ModuleDict({"steps": steps, "head": NormalizedHead(512, 1)}).double().eval()
    names = {f"head.norm.{k}": f"bn1.{k}" for k in ("weight", "bias", "running_mean", "running_var")}
    for kind in ("weight", "bias"):
        names |= {f"head.hidden.{kind}": f"regressor1.{kind}", f"head.output.{kind}": f"regressor2.{kind}"}
        for step in range(2):
            for m in range(3):
                theirs = f"coattn.dcn_layers.{step}"
                names |= {
                    f"steps.{step}.keys.{m}.{kind}": f"{theirs}.dense_coattn.key{m + 1}_linear.{kind}",
                    f"steps.{step}.values.{m}.{kind}": f"{theirs}.dense_coattn.value{m + 1}_linear.{kind}",
                    f"steps.{step}.updates.{m}.{kind}": f"{theirs}.linears.{m}.0.{kind}",
                }
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    fill(state, golden, names)
    seen = [
        [(watch(key), watch(update)) for key, update in zip(step.keys, step.updates)]
        for step in model["steps"]
    ]
    hidden, norm = watch(model["head"].hidden), watch(model["head"].norm)
    streams = {name: golden.input(name, (2, 300, width)) for name, width in widths.items()}
    mask, xs, found = torch.ones(2, 300, dtype=torch.bool), list(streams.values()), {}
    for number, step in enumerate(model["steps"]):
        joint, xs = torch.cat(xs, -1), step(xs, mask)
        for m, (key, update) in enumerate(seen[number], start=1):
            found |= {
                f"step{number}.key{m}": key["out"].transpose(1, 2),
                f"step{number}.C{m}": feature_correlation(key["out"], joint, 512**-0.5),
                f"step{number}.H{m}": update["in"][:, ::50],
                f"step{number}.update{m}": F.relu(update["out"])[:, ::50],
                f"step{number}.att{m}": xs[m - 1][:, ::50],
            }
    out = model["head"](torch.cat(xs, -1), {}, {"video": mask})
    found |= {"reg1": hidden["out"][:, ::50], "bn1": norm["out"][:, ::50]}
    golden.check_output("out", out)
    golden.check_intermediates(found)
    loss({"out": out}).backward()
    parameters = dict(model.named_parameters())
    gradients = dict.fromkeys(golden.names) | {
        theirs: parameters[ours].grad for ours, theirs in names.items() if ours in parameters
    }
    golden.check_gradients(gradients)
    golden.check_input_gradients({name: x.grad for name, x in streams.items()})


@pytest.mark.parametrize("tile", [1, 7, 30, 1000])
def test_tiles_give_what_the_whole_gives(tile, monkeypatch):
    monkeypatch.setattr(feature_attention, "TILE", tile)
    arguments = random_arguments((6, 6, 11))
    value, key, query = arguments
    expected = value @ torch.tanh(key.transpose(1, 2) @ query * 0.7)
    found = attended_features(*arguments, 0.7)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    cotangent = torch.randn_like(expected)
    ours, theirs = (torch.autograd.grad(y, arguments, cotangent) for y in (found, expected))
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
@pytest.mark.parametrize("size", [1e-6, 0.1, 1.0])
def test_large_tiles_are_exact_in_onednn_too(size, monkeypatch):
    calls, row_product = [], feature_attention.row_product
    monkeypatch.setattr(
        feature_attention,
        "row_product",
        lambda *xs, **options: calls.append(xs[1].shape) or row_product(*xs, **options),
    )
    monkeypatch.setattr(feature_attention, "TILE", 90)
    value, key, query = random_arguments((6, 6, 22))
    single = [x.detach().float().requires_grad_() for x in (value, size * key, query)]
    double = [x.detach().double().requires_grad_() for x in single]
    found = attended_features(*single, 0.7)
    expected = double[0] @ torch.tanh(double[1].transpose(1, 2) @ double[2] * 0.7)
    # columns in tiles of 15 and of 7, which is too few: two products for each of three rows
    assert calls == [(1, 4, 15), (1, 6, 15)] * 3
    ours = torch.autograd.grad(found.sum(), single)  # an expanded gradient
    assert len(calls) == 6 + 3 * 5
    theirs = torch.autograd.grad(expected.sum(), double)
    for x, y in zip((found, *ours), (expected, *theirs)):
        assert (x - y).abs().max() <= 2e-6 * y.abs().max()


def test_small_rows_and_what_onednn_cannot_do_take_the_other_way(monkeypatch):
    def large(*pair):
        return feature_attention.products_of_tile(*pair)[0] is feature_attention.row_product

    whole = random_arguments((600, 600), n_rows=1, dtype=torch.float32)
    assert large(*whole) == torch.backends.mkldnn.is_available()
    others = [[x.double() for x in whole], [x.expand(2, -1, -1) for x in whole], [x[..., :9] for x in whole]]
    assert not any(large(*pair) for pair in others)
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    assert not large(*whole)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tanh_in_tiles_is_exact_from_the_smallest_to_the_largest_values(dtype):
    x = torch.logspace(-30, 4, 2000, dtype=torch.float64)
    x = torch.cat([-x, torch.zeros(1), x]).to(dtype)
    expected = x.double().tanh()
    found = feature_attention.tanh_of_half_(2 * x).double()
    torch.testing.assert_close(found, expected, rtol=4 * torch.finfo(dtype).eps, atol=0)


def test_tiles_gradcheck(monkeypatch):
    monkeypatch.setattr(feature_attention, "TILE", 5)
    arguments = random_arguments((3, 3, 4), n_rows=2)
    assert torch.autograd.gradcheck(lambda *xs: attended_features(*xs, 0.7), arguments)


def test_what_is_kept_for_the_way_back_is_small():
    def kept(site):
        step = FeatureJointAttention(2, 64, n_steps=4, dropout=0.5, dropout_site=site)
        streams, sizes = random_arguments((64, 64), dtype=torch.float32), []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.nbytes) or t, lambda t: t):
            step(streams, torch.ones(3, 4, dtype=torch.bool))
        return max(sizes)

    assert kept("correlation") == 4 * 3 * 64 * 128
    assert kept("attended") <= 4 * 128 * 128  # weights of a linear map


@pytest.mark.parametrize("site", ["attended", "correlation"])
def test_dropout_stands_where_it_is_said_to(site):
    step = FeatureJointAttention(2, 8, n_steps=4, dropout=0.999999, dropout_site=site)
    shapes = []
    step.site_dropout.register_forward_hook(lambda m, arguments, y: shapes.append(tuple(y.shape)))
    streams = random_arguments((8, 8), requires_grad=False, dtype=torch.float32)
    updated = step(streams, torch.ones(3, 4, dtype=torch.bool))
    assert shapes == [(3, 4, 16) if site == "attended" else (3, 8, 16)] * 2
    torch.testing.assert_close(updated, streams)  # nothing gets through
    evaluated = step.eval()(streams, torch.ones(3, 4, dtype=torch.bool))
    assert (evaluated[0] - streams[0]).abs().max() > 1e-3


@pytest.mark.parametrize("build", STEPS)
class TestSteps:
    def test_padding_adds_nothing(self, build, randomise):
        step = randomise(build(2, 6, n_steps=5)).eval().double()
        streams = random_arguments((6, 6), requires_grad=False, n_steps=3)
        short = step(streams, torch.ones(3, 3, dtype=torch.bool))
        padded = [F.pad(x, (0, 0, 0, 9)) for x in streams]
        mask = (torch.arange(12) < 3).expand(3, 12)
        for x, y in zip(short, step(padded, mask)):
            torch.testing.assert_close(y[:, :3], x, rtol=1e-12, atol=1e-12)
            assert (y[:, 3:] == 0).all()

    def test_long_rows_are_worked_on_in_blocks(self, build, randomise):
        step = randomise(build(2, 6, n_steps=4)).eval().double()
        streams = random_arguments((6, 6), requires_grad=False, n_steps=10)
        whole = step(streams, torch.ones(3, 10, dtype=torch.bool))
        for begin in (0, 4, 8):
            part = [x[:, begin : begin + 4] for x in streams]
            alone = step(part, torch.ones(part[0].shape[:2], dtype=torch.bool))
            for x, y in zip(alone, whole):
                torch.testing.assert_close(y[:, begin : begin + 4], x, rtol=1e-12, atol=1e-12)

    def test_a_row_does_not_depend_on_its_batch(self, build, randomise):
        step = randomise(build(2, 6, n_steps=4)).eval()
        mask = torch.arange(7) < torch.tensor([[7], [2], [5]])
        streams = [
            x * mask.unsqueeze(2)
            for x in random_arguments((6, 6), requires_grad=False, dtype=torch.float32, n_steps=7)
        ]
        together = step(streams, mask)
        for row, length in enumerate((7, 2, 5)):
            alone = step([x[row : row + 1, :length] for x in streams], mask[row : row + 1, :length])
            for x, y in zip(alone, together):
                torch.testing.assert_close(y[row, :length], x[0], rtol=1e-6, atol=1e-6)

    def test_one_to_many_streams_of_any_width(self, build):
        for widths in ([3], [3, 5], [3, 5, 2]):
            streams = random_arguments(widths, dtype=torch.float32)
            updated = build(len(widths), widths, n_steps=4)(streams, torch.ones(3, 4, dtype=torch.bool))
            assert [x.shape for x in updated] == [x.shape for x in streams]

    def test_empty_rows_have_finite_gradients(self, build):
        step = build(1, 3, n_steps=4)
        mask = torch.tensor([[True] * 4, [False] * 4])
        x = torch.randn(2, 4, 3) * mask.unsqueeze(2)
        (updated,) = step([x], mask)
        updated.sum().backward()
        assert (updated[1] == 0).all()
        assert all(p.grad.isfinite().all() for p in step.parameters())


def test_unknown_dropout_site():
    with pytest.raises(ValueError, match=r"dropout_site='nowhere' is unknown. Choose one of attended, corr"):
        FeatureJointAttention(1, 2, n_steps=3, dropout_site="nowhere")
