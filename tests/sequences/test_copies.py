"""Recordings that are in a table twice."""

import numpy as np

import avfusion as av
from avfusion.sequences._copies import same_recordings

RNG = np.random.default_rng(0)
ONE, OTHER = RNG.normal(size=(2, 5, 3))


def test_all_streams_must_be_the_same_and_metadata_do_not_count():
    X = av.as_sequences({"audio": [ONE, ONE, ONE, OTHER], "video": [ONE, OTHER, ONE, ONE]})
    assert same_recordings(X.assign(subject=range(4))) == [[0, 2]]


def test_absent_streams_are_the_same_but_rows_without_any_are_not():
    X = av.as_sequences({"audio": [ONE, ONE, None, None, ONE], "video": [None, None, None, None, OTHER]})
    assert same_recordings(X) == [[0, 1]]


def test_rows_that_begin_alike_are_read_in_full():
    cells = [[1.0, 2.0], [1.0, 3.0], [1.0, 2.0], [1.0, 3.0], [-0.0, 5.0], [0.0, 5.0], [1.0, 2.0, 4.0]]
    X = av.as_sequences({"audio": cells})
    assert same_recordings(X) == [[0, 2], [1, 3], [4, 5]]
