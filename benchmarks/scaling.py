"""Growth of time and memory of training, and the share of matrix products in the time.

``python -m benchmarks.scaling`` measures

- time of `fit` (the second one) and peak memory against the number of recordings, their length with and
  without windows, the number of features and of modalities; each configuration in a process of its own;
- the time that the matrix products of a training step take by themselves, as a share of the whole step: the
  time-weighted rate of training in units of the rate that products of these shapes reach on this machine;
- what the rest of the step is, by a profile.
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from avfusion import RecursiveJointAttentionRegressor
from benchmarks import bare, report
from benchmarks.products import Products, flops, seconds

USUAL = {"rows": 64, "length": 300, "width": 128, "modalities": 2, "window": 300}
VARIED = {
    "number of recordings": [{"rows": n} for n in (32, 64, 128, 256)],
    "length, in windows of 300": [{"length": n, "rows": 32} for n in (100, 300, 1000, 3000)],
    "length, whole rows": [{"length": n, "rows": 32, "window": None} for n in (100, 300, 1000, 3000)],
    "features per modality": [{"width": n} for n in (16, 64, 256, 1024)],
    "modalities": [{"modalities": n} for n in (1, 2, 3, 4)],
}
SHORT = {
    "number of recordings": [{"rows": n} for n in (32, 64)],
    "length, in windows of 300": [{"length": n, "rows": 8} for n in (100, 1000)],
    "length, whole rows": [{"length": n, "rows": 8, "window": None} for n in (100, 1000)],
}


def grow(case, batch_size=16):
    """Fit in this process; return time and peak memory."""
    widths = {f"stream {i}": case["width"] for i in range(case["modalities"])}
    X, y = report.recordings([case["length"]] * case["rows"], widths)
    estimator = RecursiveJointAttentionRegressor(
        max_epochs=1, batch_size=batch_size, window=case["window"], random_state=0
    )
    before = peak_memory()
    estimator.fit(X, y)
    begin = time.perf_counter()
    estimator.fit(X, y)
    elapsed = time.perf_counter() - begin
    frames = case["length"] * case["rows"]
    return {
        **case,
        "epoch (s)": elapsed,
        "us per frame": 1e6 * elapsed / frames,
        "features (MB)": 4e-6 * frames * case["width"] * case["modalities"],
        "fit adds at its peak (MB)": peak_memory() - before,
    }


def peak_memory():
    """Return the most memory that this process ever had, in MB.

    On Linux by its status: getrusage counts what the parent had when it started this process, too.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def in_fresh_process(case):
    """Return what `grow` returns in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "benchmarks.scaling", "--case", json.dumps(case)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def share_of_products(widths, hidden_size, batch_size, length, repeats):
    """Return how long a training step and its matrix products take, and a profile of the step."""
    X, y = report.recordings([length] * batch_size, widths)
    batches = bare.padded_batches(X, y, batch_size) * 3
    model = bare.default_model(widths, hidden_size)
    settings = RecursiveJointAttentionRegressor()
    bare.train(model, batches, 1, settings)
    with Products() as products:
        bare.train(model, batches[:1], 1, settings)
    counts = products.counts
    runs = []
    for _ in range(repeats):  # step and products in turn, so that both meet the same machine
        begin = time.perf_counter()
        bare.train(model, batches, 1, settings)
        step = (time.perf_counter() - begin) / len(batches)
        each = {product: seconds(product) for _, product in counts}
        kinds = dict.fromkeys(("linear", "lstm", "attention"), 0.0)
        for (kind, product), count in counts.items():
            kinds[kind] += count * each[product]
        runs.append((step, kinds))
    step = statistics.median(run[0] for run in runs)
    row = {
        "features": "+".join(map(str, widths.values())),
        "hidden": hidden_size,
        "batch": batch_size,
        "steps in time": length,
        "training step (ms)": 1e3 * step,
        **{
            f"products: {kind} (ms)": 1e3 * statistics.median(run[1][kind] for run in runs)
            for kind in ("linear", "lstm", "attention")
        },
        "GFLOP/s": 1e-9 * sum(count * flops(product) for (_, product), count in counts.items()) / step,
        "share of products": statistics.median(sum(kinds.values()) / step for step, kinds in runs),
        "at least": 0.8,
    }
    return row, where_time_goes(model, batches, settings)


def where_time_goes(model, batches, settings, n_lines=12):
    """Return the operations that a training step spends most time in."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        bare.train(model, batches, 1, settings)
    events = [event for event in profiled.key_averages() if event.self_cpu_time_total > 0]
    events.sort(key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    return [
        {
            "operation": event.key,
            "ms per step": 1e-3 * event.self_cpu_time_total / len(batches),
            "calls per step": event.count // len(batches),
            "share": event.self_cpu_time_total / total,
        }
        for event in events[:n_lines]
    ]


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--case", type=json.loads, help="measure one configuration here; print it as JSON")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--length", type=int, default=300, help="steps of the rows whose products are timed")
    parser.add_argument("--only-products", action="store_true", help="leave out growth")
    chosen = parser.parse_args(arguments)
    if chosen.case is not None:
        print(json.dumps(grow(chosen.case)))
        return
    torch.manual_seed(0)
    tables = {}
    if not chosen.only_products:
        for title, cases in (SHORT if chosen.short else VARIED).items():
            tables[title] = [in_fresh_process({**USUAL, **case}) for case in cases]
    networks = [({"audio": 64, "video": 128}, 32), ({"audio": 512, "video": 512}, 32)]
    if not chosen.short:
        networks.append(({"audio": 512, "video": 512}, 256))
    repeats = min(3, chosen.repeats) if chosen.short else chosen.repeats
    measured = [share_of_products(*network, 16, chosen.length, repeats) for network in networks]
    tables["share of the rate of matrix products"] = [row for row, _ in measured]
    for row, lines in measured:
        title = f"where a training step's time goes: {row['features']} features, hidden size {row['hidden']}"
        tables[title] = lines
    report.publish("scaling", tables, chosen.output)


if __name__ == "__main__":
    main()
