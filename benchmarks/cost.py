"""Cost of every fusion method: parameters, time and memory of a training step, over the length of a row.

``python -m benchmarks.cost`` takes each network of `avfusion.all_estimators` with its default
parameters but for the window, which is the whole row. The number of frames in a batch is fixed, so that only
what grows faster than the length of the rows makes a step dearer. A step has one thread, and its time is that
of the processor: other work on the machine hardly changes it. Memory is what autograd keeps for the backward
pass, weights and inputs left out.
"""

import statistics
import time

import torch

import avfusion as av
from benchmarks import bare, report

LENGTHS = (100, 300, 1000, 3000)


def networks():
    """Return the classes of the estimators that train a network of their own."""
    table = av.all_estimators().query("`any length`")["estimator"]
    return {name: cls for name, cls in table.items() if hasattr(cls, "_network")}


def measure(cls, length, frames, widths, repeats):
    """Return one line of the table."""
    X, y = report.recordings([length] * max(1, frames // length), widths)
    estimator = cls(window=length, batch_size=len(X), max_epochs=1, random_state=0)
    if "modality" in estimator.get_params():
        estimator.set_params(modality=X.columns[0])
        X = X.iloc[:, :1]
    model = estimator.fit(X, y).net_.module_.train()
    [batch] = bare.padded_batches(X, y, len(X))
    optimizer = torch.optim.AdamW(model.parameters())
    seconds = []
    for _ in range(repeats + 1):
        begin = time.process_time()
        step(model, optimizer, batch)
        seconds.append(time.process_time() - begin)
    return {
        "estimator": cls.__name__,
        "length": length,
        "rows": len(X),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "step (ms)": 1000 * statistics.median(seconds[1:]),
        "held (MB)": held_for_backward(model, batch) / 1e6,
    }


def step(model, optimizer, batch):
    """Take one training step."""
    streams, masks, labels = batch
    optimizer.zero_grad()
    bare.labelled_loss(model(streams, masks), labels).backward()
    optimizer.step()


def held_for_backward(model, batch):
    """Return the bytes of all storages that autograd keeps, each once; none of weights and inputs."""
    streams, masks, labels = batch
    given = {x.untyped_storage().data_ptr() for x in (*model.parameters(), *model.buffers())}
    given |= {x.untyped_storage().data_ptr() for x in (*streams.values(), *masks.values(), labels)}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in given:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = bare.labelled_loss(model(streams, masks), labels)
    held = sum(kept.values())
    del loss  # not before: what it holds keeps its place in memory until here
    return held


def in_short(rows, lengths):
    """Return one line per network: parameters, then time and memory of a step at each length."""
    return [
        {"estimator": name, "parameters": own[0]["parameters"]}
        | {f"ms, T = {t}": row["step (ms)"] for t, row in zip(lengths, own)}
        | {f"MB, T = {t}": row["held (MB)"] for t, row in zip(lengths, own)}
        for name in networks()
        for own in [[row for row in rows if row["estimator"] == name]]
    ]


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--frames", type=int, default=6000, help="frames in a batch, of all its rows")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="steps of a row")
    parser.add_argument("--widths", type=int, nargs=2, default=[64, 64], help="features of the two streams")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args(arguments)
    if chosen.short:
        chosen.repeats, chosen.frames, chosen.lengths = 1, min(chosen.frames, 600), chosen.lengths[:2]
    widths = dict(zip(("audio", "video"), chosen.widths))
    torch.set_num_threads(1)
    rows = [
        measure(cls, length, chosen.frames, widths, chosen.repeats)
        for length in chosen.lengths
        for cls in networks().values()
    ]
    tables = {"all lengths": in_short(rows, chosen.lengths)}
    tables |= {f"rows of {t} steps": [row for row in rows if row["length"] == t] for t in chosen.lengths}
    report.publish("cost", tables, chosen.output)


if __name__ == "__main__":
    main()
