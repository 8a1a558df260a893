"""The steps before the network, on real recordings: film segments with audio and video at 25 Hz."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avfusion.preprocessing import AddContext, Align, OnFrames
from avfusion.sequences import as_sequences

CHANNELS = {"audio": ["rms", "lrdiff"], "visual": ["brmean", "brlr", "brud", "norm_diff"]}


@pytest.fixture(scope="module")
def tables():
    """Tables of two segments: the first seconds of each are as they are in the files."""
    if "AVFUSION_DATA" not in os.environ:
        pytest.skip("AVFUSION_DATA is not set")
    folder = Path(os.environ["AVFUSION_DATA"]) / "studyforrest-data-annotations" / "segments" / "avmovie"
    return [
        {
            name: pd.read_csv(
                folder / f"conf_{name}_run-{run}_events.tsv", sep="\t", usecols=["onset", *names]
            )
            for name, names in CHANNELS.items()
        }
        for run in (1, 2)
    ]


def test_seconds_are_those_of_pandas_and_context_those_of_rolling_means(tables):
    X = as_sequences(
        {name: [run[name][names].to_numpy() for run in tables] for name, names in CHANNELS.items()},
        dtype="float64",
        rate_hz=25,
    )
    align = Align(rate_hz=1.0, aggregate=("mean", "std"))
    aligned = align.fit_transform(X)
    recipe = make_pipeline(align, AddContext(widths_s=(1, 5, 21, 61)), OnFrames(StandardScaler()))
    result = recipe.fit_transform(X)
    for name, names in CHANNELS.items():
        expected = [expected_seconds(run[name], names, len(run["audio"]) // 25) for run in tables]
        for row in (0, 1):
            assert_allclose(aligned[name].array[row].frames, expected[row], rtol=1e-7, atol=1e-9)
        moving = [
            pd.concat([e.rolling(n, center=True, min_periods=1).mean() for n in (1, 5, 21, 61)], axis=1)
            for e in expected
        ]
        scaled = StandardScaler().fit_transform(pd.concat(moving).to_numpy())
        assert_allclose(result[name].array.pack().frames, scaled, rtol=1e-6, atol=1e-7)


def expected_seconds(table, names, n_seconds):
    """Group the frames by the second of their onset; audio, the shorter stream, decides on their number."""
    second = np.floor(table["onset"] + 1e-6).astype(int).rename("second")
    grouped = table[names].groupby(second)
    both = pd.concat([grouped.mean(), grouped.std(ddof=0)], axis=1)
    assert len(both) >= n_seconds > 800
    return both.iloc[:n_seconds]
