"""Every form of samples and labels has rows that can be cut into folds, and keeps them in order."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

import avfusion as av
from avfusion._kept_fits._hashing import fingerprint
from avfusion.model_selection import check_leakage, compare
from avfusion.sequences._rows import read_labels, read_rows

TABLE = np.random.default_rng(0).normal(size=(30, 3)).round(1)
LABELS = TABLE[:, 0] - TABLE[:, 2]
FORMATS = ["dok", "coo", "csr", "csc", "lil"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", [sparse.coo_matrix, sparse.coo_array])
def test_rows_of_sparse_samples_can_be_taken(form, kind):
    X = read_rows(kind(TABLE).asformat(form))
    np.testing.assert_array_equal(X[[4, 1]].toarray(), TABLE[[4, 1]])


@pytest.mark.parametrize("form", FORMATS)
def test_sparse_samples_are_compared_searched_and_checked_like_dense_ones(form):
    X = sparse.coo_array(TABLE).asformat(form)
    models = {"ridge": Ridge(solver="sparse_cg", tol=1e-12)}
    dense, thin = (compare(models, rows, LABELS, cv=3, verbose=False).table["ccc"] for rows in (TABLE, X))
    np.testing.assert_allclose(dense, thin, rtol=1e-6)
    search = av.FusionSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2, n_trials=1, random_state=0)
    assert search.fit(X, LABELS).predict(X.tocsr()).shape == (30,)
    check_leakage(Ridge(), X, LABELS, cv=3, n_permutations=2)
    assert fingerprint(X) == fingerprint(sparse.csr_array(TABLE))


AUDIO = [np.arange(6.0).reshape(3, 2), np.ones((2, 2)), np.zeros((4, 2))]
SEQUENCES = {
    "mapping": {"audio": AUDIO},
    "list of dicts": [{"audio": cell} for cell in AUDIO],
    "tuple of dicts": tuple({"audio": cell} for cell in AUDIO),
    "first is empty": [{}, *({"audio": cell} for cell in AUDIO)],
}


@pytest.mark.parametrize("form", SEQUENCES)
def test_sequences_by_name_become_a_frame(form):
    X = read_rows(SEQUENCES[form])
    assert X["audio"].array.lengths.clip(0).tolist() == [0] * (form == "first is empty") + [3, 2, 4]
    assert fingerprint(SEQUENCES[form]) == fingerprint(X)


def test_padded_arrays_with_lengths_become_a_frame():
    assert read_rows((np.zeros((2, 5, 3)), [5, 2]))["features"].array.lengths.tolist() == [5, 2]


def test_mappings_of_other_packages_stay():
    words = [{"a": 1, "b": "x"}, {"a": 2}]
    assert read_rows(words) is words


def test_what_has_rows_already_stays_as_it_is():
    for X in (TABLE, pd.DataFrame(TABLE), TABLE.tolist(), AUDIO):
        assert read_rows(X) is X
    assert isinstance(read_rows(tuple(AUDIO)), list)
    series = pd.Series(LABELS)
    assert read_labels(series) is series
    assert read_labels((1.0, 2.0)) == [1.0, 2.0]
    column = av.SequenceArray.from_sequences(AUDIO)
    assert read_labels(column).dtype == object


def test_what_is_masked_is_not_data():
    masked = np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]])
    np.testing.assert_array_equal(read_rows(masked), [[1, np.nan], [3, 4]])
    y = np.ma.array(LABELS.copy(), mask=np.arange(30) == 7)
    y.data[7] = 1e6
    result = compare({"mean": GridSearchCV(Ridge(), {"alpha": [1]}, cv=2)}, TABLE[:, :1] * 0, y, cv=[
        (np.setdiff1d(np.arange(8, 30), [7]), np.arange(8)),
    ], scoring="mae", verbose=False)  # fmt: skip
    assert result.table.loc["mean", "mae"] < 10
    assert len(result.prediction_table()) == 7
