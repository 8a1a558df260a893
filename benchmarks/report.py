"""Shared by all benchmarks: fair timing, the machine's description, tables that are never half written."""

import argparse
import ast
import hashlib
import json
import os
import platform
import statistics
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import parallel_config

import avfusion as av
from avfusion._versions import package_versions

PACKAGES = ("avfusion", "torch", "skorch", "scikit-learn", "numpy", "pandas", "joblib")


def options(description, folder="results/bench"):
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(folder), help=f"folder (default: {folder})")
    parser.add_argument("--short", action="store_true", help="less work and fewer repetitions, for a look")
    return parser


def machine():
    """Return what the figures were measured on."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory (GB)": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load when done": round(os.getloadavg()[0], 1),
        "graphics": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "system": f"{platform.system()} {platform.machine()}",
        "versions": package_versions(PACKAGES),
    }


@contextmanager
def one_thread_each():
    """Give torch one thread, here and in worker processes: more on few cores only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            yield
    finally:
        torch.set_num_threads(threads)


def code():
    """Return a hash of the package's code behind predictions, without docstrings: a folder for its fits.

    Versions of packages, which `avfusion.compare` knows, do not change from one commit to the next.
    """
    package, digest = Path(av.__file__).parent, hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] not in ("cli", "inspection", "model_selection"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
                    node.body = node.body[1:]
            digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:12]


def processor():
    """Return the name of the processor as Linux has it, or what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine()
    )


def recordings(lengths, widths, seed=0):
    """Return X of random features, a stream for each width, and y with a label per frame."""
    rng = np.random.default_rng(seed)
    cells = {
        name: [rng.standard_normal((length, width), dtype=np.float32) for length in lengths]
        for name, width in widths.items()
    }
    return av.as_sequences(cells), [rng.standard_normal(length) for length in lengths]


def interleaved(tasks, repeats):
    """Run tasks in turn, `repeats` times after a run that does not count; return all times by name.

    Whatever else the machine does then meets all of them alike; compare medians or the medians of ratios.
    """
    times = {name: [] for name in tasks}
    for repeat in range(repeats + 1):
        for name, task in tasks.items():
            begin = time.perf_counter()
            task()
            if repeat:
                times[name].append(time.perf_counter() - begin)
    return times


def median_ratio(times, above, below):
    """Return the median over the runs of the ratio of two tasks."""
    return statistics.median(a / b for a, b in zip(times[above], times[below]))


def to_markdown(table):
    """Write a data frame as a Markdown table."""
    rows = [list(table.columns), ["---"] * table.shape[1], *table.map(shown).to_numpy().tolist()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def shown(value):
    """Write a value with three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def write_in_one_step(path, write):
    """Write to a temporary name, then put the file in place."""
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    write(part)
    os.replace(part, path)


def publish(name, tables, folder):
    """Print tables, and write them with the machine to ``<folder>/<name>.json`` and ``.md``.

    Parameters
    ----------
    name : str
        Of the benchmark.
    tables : dict of str to list of dict
        Title and rows of each table.
    folder : Path
    """
    about = machine()
    text = f"# {name}\n\n"
    for title, rows in tables.items():
        text += f"## {title}\n\n{to_markdown(pd.DataFrame(rows))}\n"
    versions = ", ".join(f"{package} {number}" for package, number in about["versions"].items())
    facts = "; ".join(f"{key}: {value}" for key, value in about.items() if key != "versions")
    text += f"{facts}; {versions}\n"
    folder.mkdir(parents=True, exist_ok=True)
    record = json.dumps({"machine": about, "tables": tables}, indent=2)
    write_in_one_step(folder / f"{name}.json", lambda path: path.write_text(record))
    write_in_one_step(folder / f"{name}.md", lambda path: path.write_text(text))
    print(text)
    print(f"Written to {folder / name}.json and .md")
