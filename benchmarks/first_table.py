"""From a folder that OpenFace and openSMILE wrote to a comparison table: commands, seconds, lines of output.

``python -m benchmarks.first_table`` writes 50 recordings as the tools do (OpenFace's ``FeatureExtraction``:
all columns, with a space before each name, frames without a face as zeros with success 0; openSMILE's
``SMILExtract -lldcsvoutput``: semicolons, ``name;frameTime;...``), with labels twice a second and the
subjects in ``metadata.csv``. It then types ``avfusion describe FOLDER``, and the command that this suggests,
and nothing else. What the label depends on is known: the products of a feature of each stream cannot be told
from one.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import report

FPS, LLD_HZ, LABEL_HZ = 25.0, 100.0, 2.0
N_SUBJECTS = 10
GAZE = [f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"] + ["gaze_angle_x", "gaze_angle_y"]
POSE = ["pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz"]
AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
FACE = GAZE + POSE + [f"AU{k:02d}_r" for k in AUS] + [f"AU{k:02d}_c" for k in AUS]
VOICE = [
    *("Loudness_sma3", "alphaRatio_sma3", "hammarbergIndex_sma3", "slope0-500_sma3", "slope500-1500_sma3"),
    *("spectralFlux_sma3", "mfcc1_sma3", "mfcc2_sma3", "mfcc3_sma3", "mfcc4_sma3"),
    *("F0semitoneFrom27.5Hz_sma3nz", "jitterLocal_sma3nz", "shimmerLocaldB_sma3nz", "HNRdBACF_sma3nz"),
]


def write_folder(folder, n_recordings, seconds, seed=0):
    """Write recordings as OpenFace and openSMILE do, with labels and subjects."""
    rng = np.random.default_rng(seed)
    for name in ("openface", "opensmile", "labels"):
        (folder / name).mkdir(parents=True)
    names = [f"rec_{k:03d}" for k in range(n_recordings)]
    for name in names:
        smile, loudness = (smooth(rng, seconds) for _ in range(2))
        openface(rng, smile).to_csv(folder / "openface" / f"{name}.csv", index=False, float_format="%.3f")
        table = opensmile(rng, name, loudness)
        table.to_csv(folder / "opensmile" / f"{name}.csv", sep=";", index=False, float_format="%.6e")
        steps = np.arange(int(seconds * LABEL_HZ))
        at = [signal[(steps * 100 / LABEL_HZ).astype(int)] for signal in (smile, loudness)]
        label = 0.4 * at[0] + 0.3 * at[1] + 0.2 * at[0] * at[1] + 0.1 * rng.normal(size=len(steps))
        labels = pd.DataFrame({"timestamp": steps / LABEL_HZ, "arousal": np.tanh(label)})
        labels.to_csv(folder / "labels" / f"{name}.csv", index=False, float_format="%.4f")
    subjects = [f"P{k % N_SUBJECTS:02d}" for k in range(n_recordings)]
    pd.DataFrame({"recording": names, "subject": subjects}).to_csv(folder / "metadata.csv", index=False)


def smooth(rng, seconds):
    """Return a slow signal at 100 Hz, of standard deviation one."""
    noise = np.convolve(rng.normal(size=int(seconds * 100) + 399), np.hanning(400), mode="valid")
    return (noise - noise.mean()) / noise.std()


def openface(rng, smile):
    """Return the table of FeatureExtraction; 3 % of the frames have no face."""
    n = int(len(smile) * FPS / 100)
    at = smile[(np.arange(n) * 100 / FPS).astype(int)]
    table = pd.DataFrame(rng.normal(size=(n, len(FACE))), columns=FACE)
    table["AU12_r"] = (1.5 + at + 0.5 * rng.normal(size=n)).clip(0, 5)
    failed = rng.random(n) < 0.03
    head = {
        "frame": np.arange(1, n + 1),
        "face_id": 0,
        "timestamp": np.arange(n) / FPS,
        "confidence": np.where(failed, 0.0, 0.98),
        "success": np.where(failed, 0, 1),
    }
    table[failed] = 0.0
    table = pd.concat([pd.DataFrame(head), table], axis=1)
    return table.set_axis(["frame", *(f" {name}" for name in table.columns[1:])], axis=1)


def opensmile(rng, name, loudness):
    """Return the table of SMILExtract with low-level descriptors of eGeMAPS."""
    table = pd.DataFrame(rng.normal(size=(len(loudness), len(VOICE))), columns=VOICE)
    table["Loudness_sma3"] = np.exp(0.5 * loudness + 0.2 * rng.normal(size=len(loudness)))
    table.insert(0, "frameTime", np.arange(len(loudness)) / LLD_HZ)
    table.insert(0, "name", f"'{name}'")
    return table


def type_command(words, folder):
    """Run a command as a process of its own; return a line of the table, and what it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "avfusion.cli", *words[1:]]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    line = {
        "command": shlex.join(words),
        "seconds": time.perf_counter() - begin,
        "lines of output": len(done.stdout.splitlines()),
        "lines of warnings": len(done.stderr.splitlines()),
        "exit code": done.returncode,
    }
    if done.returncode:
        raise RuntimeError(f"{line['command']} ended with {done.returncode}: {done.stderr[-2000:]}")
    return line, done.stdout


def main(arguments=None):
    """Write the folder, type the commands, and print what they took."""
    parser = report.options(__doc__)
    parser.add_argument("--recordings", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each recording")
    parser.add_argument("--estimators", type=Path, help="a file of estimators, in place of the default ones")
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args(arguments)
    if chosen.short:
        chosen.recordings, chosen.seconds = min(chosen.recordings, 20), min(chosen.seconds, 20.0)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder) / "recordings", chosen.recordings, chosen.seconds)
        first, text = type_command(["avfusion", "describe", "recordings"], folder)
        words = shlex.split(text.splitlines()[-1])
        words += ["--jobs", str(chosen.jobs)] if chosen.jobs != 1 else []
        words += ["--estimators", str(chosen.estimators.resolve())] if chosen.estimators else []
        second, printed = type_command(words, folder)
        table = pd.read_csv(Path(folder) / "results" / "table.csv")
    print(text, printed, sep="\n\n")
    tables = {
        f"{chosen.recordings} recordings of {chosen.seconds:g} s": [first, second],
        "the table": table[["estimator", "ccc", "ccc_low", "ccc_high"]].to_dict("records"),
    }
    report.publish("first_table", tables, chosen.output)


if __name__ == "__main__":
    main()
