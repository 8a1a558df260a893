import json

import torch
from torch import nn

from benchmarks import cost


class Squared(nn.Module):
    """Keeps its product for the backward pass of the square: known bytes."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1, bias=False)

    def forward(self, streams, masks):
        return self.layer(streams["audio"]).exp()


def test_memory_held_is_what_the_operations_keep(monkeypatch):
    monkeypatch.setattr(cost.bare, "labelled_loss", lambda prediction, labels: prediction.sum())
    batch = (
        {"audio": torch.randn(5, 7, 3)},
        {"audio": torch.ones(5, 7, dtype=torch.bool)},
        torch.zeros(5, 7, 1),
    )
    # exp keeps its result; the product keeps only inputs and weights, which do not count
    assert cost.held_for_backward(Squared(), batch) == 5 * 7 * 4


def test_table_of_every_network(tmp_path):
    cost.main(["--short", "--frames", "40", "--lengths", "10", "20", "--output", str(tmp_path)])
    tables = json.loads((tmp_path / "cost.json").read_text())["tables"]
    assert (tmp_path / "cost.md").read_text().startswith("# cost\n")
    names = set(cost.networks())
    short = {row["estimator"]: row for row in tables.pop("all lengths")}
    assert set(short) == names
    for t, table in zip((10, 20), tables.values()):
        assert {row["estimator"]: row["held (MB)"] for row in table} == {
            name: row[f"MB, T = {t}"] for name, row in short.items()
        }
    assert {"EarlyFusionRegressor", "RecursiveJointAttentionRegressor"} <= names
    for length, table in zip((10, 20), tables.values()):
        assert {row["estimator"] for row in table} == names
        assert all(row["rows"] * length == 40 for row in table)
        assert all(min(row["parameters"], row["step (ms)"], row["held (MB)"]) > 0 for row in table)
