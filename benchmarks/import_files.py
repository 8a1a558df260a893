"""From files to a store: the rate of the import, against a CSV reader that keeps nothing.

``python -m benchmarks.import_files`` writes 1,000 recordings of 3,000 lines and 50 columns (a frame number, a
clock and 48 features, as face trackers write them), reads all files with pyarrow, on all cores, and
imports the folder into a store, in turn, after a first run of each that does not count. It opens the store,
and imports the folder once more in a process of its own, for its resident memory at the peak.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

import avfusion as av
from benchmarks import report

RATE_HZ = 30


def write_folder(folder, n_files, n_lines, n_columns, seed=0):
    """Write tables of a face tracker, one per recording, and labels at 1 Hz.

    Parameters
    ----------
    folder : pathlib.Path
    n_files, n_lines, n_columns : int
    seed : int
    """
    rng = np.random.default_rng(seed)
    for name in ("video", "labels"):
        (folder / name).mkdir(parents=True)
    for k in range(n_files):
        table = pd.DataFrame(
            rng.normal(size=(n_lines, n_columns - 2)).round(6),
            columns=[f"AU{j:02d}_r" for j in range(n_columns - 2)],
        )
        table.insert(0, "timestamp", (np.arange(n_lines) / RATE_HZ).round(3))
        table.insert(0, "frame", np.arange(1, n_lines + 1))
        pa.csv.write_csv(pa.Table.from_pandas(table), folder / "video" / f"clip{k:05d}.csv")
        np.save(folder / "labels" / f"clip{k:05d}.npy", rng.normal(size=n_lines // RATE_HZ))


def read_only(folder):
    """Read all tables with pyarrow, one after the other, each on all cores."""
    for path in sorted((folder / "video").iterdir()):
        pa.csv.read_csv(path)


def import_all(folder, store):
    """Import the folder, in place of the store that is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # columns that are set aside
        return av.import_folder(folder, store, rate_hz={"labels": 1}, overwrite=True)


def peak_mb(folder, store):
    """Return the resident memory at the peak of a process that imports the folder."""
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); import avfusion\n"
        "avfusion.import_folder(*sys.argv[1:], rate_hz={'labels': 1})\n"
        "print(open('/proc/self/status').read())"  # getrusage has what the parent had, too
    )
    command = [sys.executable, "-c", code, str(folder), str(store)]
    status = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024 / 1e6


def measured(n_files, n_lines, n_columns, repeats):
    """Return a line of the table of results."""
    scratch = Path(tempfile.mkdtemp(prefix="avfusion-import-"))
    try:
        folder, store = scratch / "folder", scratch / "store"
        write_folder(folder, n_files, n_lines, n_columns)
        n_bytes = sum(path.stat().st_size for path in (folder / "video").iterdir())
        tasks = {"read": lambda: read_only(folder), "import": lambda: import_all(folder, store)}
        times = report.interleaved(tasks, repeats)
        opened = report.interleaved({"open": lambda: av.read_store(store)}, 5)["open"]
        X, y = av.read_store(store, verify=True)
        assert len(X) == len(y) == n_files
        median = {name: float(np.median(runs)) for name, runs in times.items()}
        return {
            "files": n_files,
            "MB": n_bytes / 1e6,
            "pyarrow reads (MB/s)": n_bytes / 1e6 / median["read"],
            "import (MB/s)": n_bytes / 1e6 / median["import"],
            "rate of import / of pyarrow": report.median_ratio(times, "read", "import"),
            "store opened (ms)": 1e3 * float(np.median(opened)),
            "peak of the import (MB)": peak_mb(folder, scratch / "other"),
        }
    finally:
        shutil.rmtree(scratch)


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args(arguments)
    n_files = min(chosen.files, 100) if chosen.short else chosen.files
    line = measured(n_files, chosen.lines, chosen.columns, 1 if chosen.short else chosen.repeats)
    report.publish(
        "import_files", {f"{chosen.lines} lines x {chosen.columns} columns": [line]}, chosen.output
    )


if __name__ == "__main__":
    main()
