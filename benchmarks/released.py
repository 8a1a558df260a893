"""The released network of recursive joint attention: what a training step costs, as released and here.

``python -m benchmarks.released`` trains each form by one step in turn, at the released sizes: batches of 64
windows of 16 steps, 512 + 512 features. A first table is of the step of attention alone, forwards and
backwards, a second one of the whole network with loss and Adam, where the LSTMs are the same in all but the
last form and take most of what is left. The plain form is written as one would from the equations with
torch's own layers; with the same weights it gives the same outputs as the package's network. What counts are
the ratios, each the median over runs in turn: times alone depend on what else the machine does.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from avfusion import RecursiveJointAttentionRegressor, ReleasedJointAttentionRegressor
from avfusion.networks import FrameHead, FusionModel, InputNorm, JointAttention, SeparateHeads, ccc_loss
from avfusion.released import FeatureJointAttention
from benchmarks import report

PLAIN, TIME = "plain: C is kept, with dropout on it", "default of the package: time axis, 32 features"
FORMS = {
    "dropout on H, C in tiles": {"dropout_site": "attended"},
    "dropout on C": {"dropout_site": "correlation"},
}


class PlainEncoder(nn.Module):
    """Two layers of bidirectional LSTM from a learnt state, skip connection, length one."""

    def __init__(self, input_size, dropout, hidden_size=512):
        super().__init__()
        self.rnn = nn.LSTM(
            input_size, hidden_size // 2, 2, batch_first=True, dropout=dropout, bidirectional=True
        )
        self.init_hidden = nn.Parameter(torch.zeros(8, hidden_size // 2))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(input_size + hidden_size, hidden_size)

    def forward(self, x):
        """(B, T, D) -> (B, T, h)."""
        state = self.init_hidden.unsqueeze(1).expand(-1, len(x), -1).contiguous()  # (8, B, h / 2)
        y, _ = self.rnn(x, (state[:4], state[4:]))
        return F.normalize(self.linear(self.dropout(torch.cat([x, y], -1))), dim=-1)


class PlainStep(nn.Module):
    """Attention between features that keeps C, with dropout on it."""

    def __init__(self, n_steps, hidden_size=512, dropout=0.6):
        super().__init__()
        joint = 2 * hidden_size
        names = {"query_linear": (joint, joint)}
        for m in (1, 2):
            names |= {f"key{m}_linear": (n_steps,) * 2, f"value{m}_linear": (hidden_size,) * 2}
        self.dense_coattn = nn.ModuleDict({name: nn.Linear(*sizes) for name, sizes in names.items()})
        self.linears = nn.ModuleList(nn.Sequential(nn.Linear(joint, hidden_size)) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, streams, mask=None):
        """Two of (B, T, h) -> two of (B, T, h); there is no padding."""
        maps = self.dense_coattn
        query = maps["query_linear"](torch.cat(streams, -1))  # (B, T, D)
        updated = []
        for m, x in enumerate(streams, start=1):
            key = maps[f"key{m}_linear"](x.transpose(1, 2))  # (B, d, T)
            correlation = self.dropout(torch.tanh(key @ query / math.sqrt(query.shape[-1])))  # (B, d, D)
            h = F.relu(torch.tanh(maps[f"value{m}_linear"](x) @ correlation))  # (B, T, D)
            updated.append(x + self.dropout(F.relu(self.linears[m - 1](h))))
        return updated


class PlainNetwork(nn.Module):
    """The released network on feature vectors, with the names of the released code."""

    def __init__(self, n_steps=16, n_recursions=1, width=512):
        super().__init__()
        self.video_extract, self.audio_extract = PlainEncoder(width, 0.1), PlainEncoder(width, 0.1)
        steps = nn.ModuleList(PlainStep(n_steps) for _ in range(n_recursions))
        self.coattn = nn.ModuleDict({"dcn_layers": steps})
        self.Joint = PlainEncoder(1024, 0.0)
        self.vregressor, self.aregressor = (
            nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Dropout(0.6), nn.Linear(128, 1))
            for _ in range(2)
        )

    def forward(self, streams, masks):
        """(B, T, 512) each -> (B, T, 2)."""
        video, audio = (F.normalize(streams[name], dim=-1) for name in ("video", "audio"))
        hidden = [self.video_extract(video), self.audio_extract(audio)]
        for step in self.coattn["dcn_layers"]:
            hidden = step(hidden)
        joined = self.Joint(torch.cat(hidden, -1))
        return torch.cat([self.vregressor(joined), self.aregressor(joined)], -1)


def released_model(n_recursions=1, n_steps=16, width=512, **changes):
    """Return the package's network as `ReleasedJointAttentionRegressor` builds it."""
    settings = {"n_recursions": n_recursions, "window": n_steps, **changes}
    widths = {"video": width, "audio": width}
    network = ReleasedJointAttentionRegressor(**settings)._network()(widths)
    return FusionModel({name: InputNorm(width, "unit") for name in widths}, network, SeparateHeads(512, 2))


def default_model(width=512):
    """Return the network that the estimator trains by default, with attention over time."""
    estimator, widths = RecursiveJointAttentionRegressor(), {"video": width, "audio": width}
    norms = {name: InputNorm(width, noise=estimator.input_noise) for name in widths}
    network = estimator._network()(widths)
    return FusionModel(norms, network, FrameHead(network.output_size, 2, estimator.dropout))


def network_step(model, streams, masks, labels):
    """Return a function that trains the model by one step."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    labelled = torch.ones(labels.flatten(0, 1).shape, dtype=torch.bool)

    def step():
        optimizer.zero_grad()
        loss = ccc_loss(model(streams, masks).flatten(0, 1), labels.flatten(0, 1), labelled)
        loss.backward()
        optimizer.step()

    return step


def attention_step(step, streams, mask):
    """Return a function that goes forwards and backwards through a step of attention."""
    cotangents = [torch.randn_like(x) for x in streams]

    def run():
        torch.autograd.backward(step(streams, mask), cotangents)

    return run


def kept_bytes(model, *arguments):
    """Return how much a model keeps for its backward pass, beside its weights."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = model(*arguments)  # its graph holds what was kept, so that no address is used twice
    del out
    return sum(kept.values())


def compared(tasks, memory, repeats):
    """Return a row for each task: time and memory, and their ratios to the first task."""
    times = report.interleaved(tasks, repeats)
    plain = next(iter(tasks))
    return [
        {
            "form": name,
            "shortest step (s)": min(times[name]),
            "plain / step": report.median_ratio(times, plain, name),
            "kept (MB)": 1e-6 * memory[name],
            "kept / plain": memory[name] / memory[plain],
        }
        for name in tasks
    ]


def attention_table(streams, mask, repeats):
    """Compare the forms of one step of attention."""
    hidden = [F.normalize(x, dim=-1).requires_grad_() for x in streams.values()]
    models = {PLAIN: PlainStep(mask.shape[1])}
    for name, changes in FORMS.items():
        models[name] = FeatureJointAttention(2, 512, mask.shape[1], dropout=0.6, **changes)
    models[TIME] = JointAttention(2, 32, dropout=0.5)
    small = [torch.randn(*mask.shape, 32, requires_grad=True) for _ in hidden]
    inputs = {name: (small if name == TIME else hidden, mask) for name in models}
    tasks = {name: attention_step(model, *inputs[name]) for name, model in models.items()}
    memory = {name: kept_bytes(model, *inputs[name]) for name, model in models.items()}
    return compared(tasks, memory, repeats)


def network_table(streams, masks, labels, repeats):
    """Compare the forms of the whole network."""
    models = {PLAIN: PlainNetwork(labels.shape[1])}
    for name, changes in FORMS.items():
        models[name] = released_model(n_steps=labels.shape[1], **changes)
    models[TIME] = default_model()
    tasks = {name: network_step(model, streams, masks, labels) for name, model in models.items()}
    memory = {name: kept_bytes(model, streams, masks) for name, model in models.items()}
    return compared(tasks, memory, repeats)


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=16, help="steps in time")
    parser.add_argument("--repeats", type=int, default=7)
    chosen = parser.parse_args(arguments)
    torch.manual_seed(0)
    shape = (chosen.batch, chosen.length)
    streams = {name: torch.randn(*shape, 512) for name in ("video", "audio")}
    masks, labels = dict.fromkeys(streams, torch.ones(shape, dtype=torch.bool)), torch.randn(*shape, 2)
    repeats = min(3, chosen.repeats) if chosen.short else chosen.repeats
    tables = {
        "one step of attention": attention_table(streams, masks["video"], repeats),
        "training step of the network": network_table(streams, masks, labels, repeats),
    }
    report.publish("released", tables, chosen.output)


if __name__ == "__main__":
    main()
