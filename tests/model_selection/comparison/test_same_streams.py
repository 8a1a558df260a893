"""Streams that are the same for all who saw a stimulus."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.model_selection.comparison._same_streams import same_within
from avfusion.model_selection.comparison._situation_columns import Factor

VIDEO = Factor("stimulus", "video", np.tile(np.arange(4), 6))


def study(noise):
    """Luminance of four videos, the same for six people up to noise, beside a pulse of their own."""
    rng = np.random.default_rng(0)
    light = [rng.normal(size=(30, 2)) + rng.normal(size=2) for _ in range(4)]
    streams = {
        "light": [light[v] + noise * rng.normal(size=(30, 2)) for v in VIDEO.codes],
        "pulse": [rng.normal(size=(30, 1)) + rng.normal() for _ in VIDEO.codes],
    }
    return av.as_sequences(streams)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_stream_of_the_stimulus_is_named_and_no_other(noise):
    (found,) = same_within(study(noise), VIDEO)
    assert (found.column, found.is_stream, found.n_same, found.n_features) == ("light", True, 2, 2)


def test_a_face_that_the_stimulus_moves_is_not():
    """The stimulus explains half of the variance of what is measured of people."""
    rng = np.random.default_rng(0)
    effect = rng.normal(size=4)
    X = av.as_sequences({"face": [np.full((5, 1), effect[v] + rng.normal()) for v in VIDEO.codes]})
    assert same_within(X, VIDEO) == []


def test_single_features_are_counted():
    X = study(0.0)
    mixed = [np.hstack([a, b]) for a, b in zip(X["light"].array.to_numpy(), X["pulse"].array.to_numpy())]
    (found,) = same_within(av.as_sequences({"all": [np.asarray(cell) for cell in mixed]}), VIDEO)
    assert "Of stream 'all', 2 of 3 features are the same for all rows of one 'video'" in found.sentence(
        "video"
    )


def test_columns_of_numbers_count_and_levels_do_not():
    X = pd.DataFrame({"light": VIDEO.codes * 0.3, "video": VIDEO.codes, "pulse": np.arange(24.0) % 7})
    assert [found.column for found in same_within(X, VIDEO, leave_out=["video"])] == ["light"]


def test_nothing_is_said_of_what_never_varies_or_is_not_there():
    X = av.as_sequences({"zero": [np.zeros((3, 1))] * 24, "none": [None] * 23 + [np.ones((3, 1))]})
    assert same_within(X, VIDEO) == []
    assert same_within(np.zeros((24, 2)), VIDEO) == []
    assert same_within(study(0.0), Factor("person", "subject", np.arange(24))) == []
