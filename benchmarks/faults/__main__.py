"""Run the attacks and write what came of them.

``python -m benchmarks.faults`` runs all of every class, ``--short`` a sample within some seconds each,
``--case TEXT`` those whose name has the text and shows where the bad ones come from. Results are in
results/faults.
"""

import os

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # a forked child of a process with a pool of threads waits for ever
os.environ.setdefault("MPLBACKEND", "agg")

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import chdir, suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import numpy as np
import torch

from avfusion.formats._registry import formats, producers
from benchmarks.faults.child import GIB, in_child
from benchmarks.faults.harness import BAD, ENDS, LIMIT_S, Event, Obscure, cli, modules, run_case
from benchmarks.report import machine, write_in_one_step

LOADED = (  # before forking, as each child would import them again
    *(
        "avfusion.cli._app",
        "avfusion.datasets",
        "avfusion.fusion",
        "avfusion.inspection",
        "avfusion.persistence",
    ),
    *("avfusion.model_selection", "avfusion.released", "avfusion.store", "avfusion.formats._registry"),
    *("avfusion.cli._description", "avfusion.cli._estimators", "avfusion.cli._recordings"),
    *("avfusion.cli._results", "matplotlib.pyplot", "pyarrow.parquet", "pyarrow.feather", "pandas", "yaml"),
    *("h5py", "scipy.io", "optuna", "joblib", "skorch"),
)
REPEATS = 20  # 2 in short


def load_all():
    """Import what the cases will import, which each child would do again, but start no thread."""
    for name in LOADED:
        import_module(name)
    formats(), producers()
    for name in in_child(_imported, 60).result or ():
        with suppress(Exception):
            import_module(name)


def _imported():
    """Return the names of the modules that reading, fitting and printing import beside."""
    before = set(sys.modules)
    Path("d/audio").mkdir(parents=True)
    np.save("d/audio/a.npy", np.zeros((4, 2)))
    Path("e.yaml").write_text("r: {FrameRegressor: {regressor: {Ridge: {}}}}")
    option = ("synthetic", "--option", "n_recordings=4", "--option", "target=clip")
    for words in (("describe", "d"), ("describe", *option), ("fit", *option, "-e", "ridge", "-o", "m.model")):
        with suppress(ValueError, Obscure):
            cli(*words)
    with suppress(ValueError, Obscure):
        cli("predict", "m.model", *option, "-o", "p.parquet")
    return sorted(set(sys.modules) - before)


def inputs(module, short, seconds, chosen, seed):
    """Run the cases of a module; return their results and how many there are."""
    if not hasattr(module, "cases"):
        return [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if hasattr(module, "prepare"):
            made = in_child(lambda: module.prepare(folder), 600, 8 * GIB)
            if made.how != "ended":
                raise RuntimeError(f"{module.__name__}.prepare: {made.how}\n{made.output}")
        rng = np.random.default_rng(seed)
        with chdir(folder):  # what cases make while they are listed is removed with it
            cases = list(module.cases(folder, rng))
        repeated = [name for name, n in Counter(case.name for case in cases).items() if n > 1]
        if repeated:
            raise ValueError(f"{module.__name__} has two cases named {repeated[0]!r}.")
        order = np.random.default_rng(seed).permutation(len(cases)) if short else range(len(cases))
        results, until = [], time.monotonic() + seconds
        for k in order:
            if chosen is None or chosen in cases[k].name:
                results.append(run_case(cases[k], getattr(module, "LIMIT_S", LIMIT_S)))
                if chosen is not None or results[-1]["outcome"] in BAD:
                    show(results[-1], chosen is not None)
            if short and time.monotonic() > until:
                break
    return results, len(cases)


def happened(module, short, seed, repeats=REPEATS):
    """Run the events of a module, each as often, in a child, which writes each as it ends."""
    if not hasattr(module, "events"):
        return []
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "events"

        def run():
            with log.open("w") as file:
                for event in module.events(2 if short else repeats, np.random.default_rng(seed)):
                    print(json.dumps(asdict(event)), file=file, flush=True)

        ended = in_child(run, getattr(module, "EVENTS_S", 300 if short else 3600), 8 * GIB)
        events = [Event(**json.loads(line)) for line in log.read_text().splitlines()]
    if ended.how != "ended":
        events.append(Event(f"stopped: {ended.output[-1500:]}", 1, {ended.how: 1}))
    return events


def record(name, module, results, n_cases, events, short):
    """Return what is written of a class."""
    counts = Counter(result["outcome"] for result in results)
    slowest = max(results, key=lambda result: result["seconds"], default=None)
    return {
        "title": module.__doc__.strip().splitlines()[0].rstrip("."),
        "module": name,
        "short": short,
        "cases": n_cases,
        "tried": len(results),
        "counts": {end: counts[end] for end in ENDS},
        "bad": [result for result in results if result["outcome"] in BAD],
        "slowest": slowest and [slowest["case"], slowest["seconds"]],
        "clear": [f"{r['case']}: {r['text']}" for r in results if r["outcome"] == "clear"],
        "events": [asdict(event) | {"bad": event.bad} for event in events],
        "machine": machine(),
    }


def show(result, where):
    """Print a result, and where an error comes from."""
    print(
        f"{result['outcome']:12} {result['seconds']:6.2f} s  {result['case']}\n    {result['text']}",
        flush=True,
    )
    if where and result["outcome"] in BAD:
        print("    " + result["where"].replace("\n", "\n    "))


def main(arguments=None):
    """Run what is asked for; the exit code is 1 if anything ended badly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="classes of attacks (default: all)")
    parser.add_argument("--short", action="store_true", help="a sample of the inputs, few repetitions")
    parser.add_argument(
        "--seconds", type=float, default=4, help="of inputs per class with --short (default: 4)"
    )
    parser.add_argument(
        "--repeats", type=int, default=REPEATS, help=f"of each kill without --short (default: {REPEATS})"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", help="only inputs whose name has this text; nothing is written")
    parser.add_argument("--output", type=Path, default=Path("results/faults"))
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    load_all()
    known, n_bad = modules(), 0
    unknown = [name for name in asked.modules if name not in known]
    if unknown:
        parser.error(f"no class {unknown[0]!r}: {', '.join(known)}")
    for name in asked.modules or known:
        start = time.monotonic()
        results, n_cases = inputs(known[name], asked.short, asked.seconds, asked.case, asked.seed)
        events = (
            [] if asked.case is not None else happened(known[name], asked.short, asked.seed, asked.repeats)
        )
        own = record(name, known[name], results, n_cases, events, asked.short)
        n_bad += len(own["bad"]) + sum(sum(event.bad.values()) for event in events)
        if asked.case is None:
            text = json.dumps(own | {"seconds": round(time.monotonic() - start, 1)}, indent=1)
            asked.output.mkdir(parents=True, exist_ok=True)
            write_in_one_step(asked.output / f"{name}.json", lambda path, text=text: path.write_text(text))
        counts = ", ".join(f"{end} {n}" for end, n in own["counts"].items() if n)
        print(f"{name}: tried {own['tried']} of {n_cases}: {counts} ({time.monotonic() - start:.1f} s)")
        for event in events:
            bad = f" BAD {event.bad}" if event.bad else ""
            print(f"  {event.name}: {event.times}: {event.outcomes}{bad}")
        sys.stdout.flush()
    return int(n_bad > 0)


if __name__ == "__main__":
    sys.exit(main())
