import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, cross_val_score, permutation_test_score
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.model_selection import permutation_test

CCC = av.metrics.scorers["ccc"]


def recordings(informative=True, n=12, seed=0, per_speaker=2):
    """Ragged recordings of speakers, whose labels go their own way in each recording."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(20, 40, size=n)
    labels = [np.cumsum(rng.normal(size=length)) for length in lengths]
    audio = [
        np.column_stack([row * informative + rng.normal(size=len(row)), rng.normal(size=len(row))])
        for row in labels
    ]
    X = av.as_sequences({"audio": audio}, rate_hz=1.0).assign(speaker=np.arange(n) // per_speaker)
    return X, pd.Series(labels, name="valence")


MODEL = av.FrameRegressor()


@pytest.mark.works_with(
    "scikit-learn",
    "`permutation_test` gives what `permutation_test_score` gives for a label per clip",
)
@pytest.mark.parametrize("grouped", [False, True])
def test_scikit_learns_numbers_for_labels_per_clip(grouped):
    X, y = recordings()
    clips = y.map(lambda row: row.mean())
    groups = X["speaker"].to_numpy() if grouped else None
    cv = GroupKFold(3) if grouped else KFold(3)
    options = {"groups": groups, "cv": cv, "n_permutations": 15, "random_state": 4}
    for model, scoring in ((MODEL, None), (make_pipeline(av.Functionals(), Ridge()), "r2")):
        theirs = permutation_test_score(model, X, clips, scoring=scoring, **options)
        ours = permutation_test(model, X, clips, scoring=scoring, **options)
        assert ours.score == pytest.approx(theirs[0])
        np.testing.assert_allclose(ours.permutation_scores, theirs[1])
        assert ours.p_value == theirs[2]


def test_labels_per_frame():
    X, y = recordings()
    score, permuted, p_value = permutation_test(MODEL, X, y, cv=3, n_permutations=19)
    assert score == pytest.approx(cross_val_score(MODEL, X, y, cv=KFold(3), scoring=CCC).mean())
    assert permuted.max() < score
    assert p_value == 0.05
    score, permuted, p_value = permutation_test(
        MODEL, *recordings(informative=False), cv=3, n_permutations=19
    )
    assert p_value > 0.1
    assert p_value == (np.sum(permuted >= score) + 1) / 20


def test_whole_recordings_are_permuted_by_hand():
    X, y = recordings()
    _, permuted, _ = permutation_test(MODEL, X, y, cv=3, n_permutations=3, random_state=5)
    random = np.random.RandomState(5)
    for found in permuted:
        givers = random.permutation(12)
        labels = pd.Series([np.resize(y[giver], len(y[row])) for row, giver in enumerate(givers)])
        assert found == pytest.approx(cross_val_score(MODEL, X, labels, cv=KFold(3), scoring=CCC).mean())


def test_between_groups_whole_groups_get_the_labels_of_another():
    X, _ = recordings()
    y = X["speaker"].astype(float) * 10 + np.arange(12) % 2  # its speaker and its place there
    seen = []

    def spy(estimator, X, y):
        seen.append(y)
        return 0.0

    permutation_test(MODEL, X, y, groups="speaker", cv=2, n_permutations=4, scoring=spy, permute="between")
    kept = 0
    for fold in seen[2:]:
        speaker, place = np.divmod(fold.to_numpy(), 10)
        for own in fold.index[::2]:
            rows = fold.index.get_indexer([own, own + 1])
            assert len(set(speaker[rows])) == 1
            assert place[rows].tolist() == [0.0, 1.0]
            kept += speaker[rows][0] == own // 2
    assert 0 < kept < 24  # any permutation, so that now and then a group keeps its own


def test_rows_without_labels_get_none_and_give_none():
    X, y = recordings()
    y[3], y[5] = None, np.full(len(y[5]), np.nan)
    y = y.map(lambda row: row if row is None else np.where(np.isnan(row), np.nan, 1.0 + abs(row)))
    seen = []

    def spy(estimator, X, y):
        seen.append(y)
        return 0.0

    permutation_test(MODEL, X, y, cv=KFold(2), n_permutations=5, scoring=spy)
    for fold in seen:
        for row, cell in fold.items():
            if row == 3:
                assert cell is None
            else:
                assert np.isnan(cell).all() if row == 5 else (np.asarray(cell) >= 1).all()


def test_jobs_change_nothing():
    X, y = recordings()
    alone = permutation_test(MODEL, X, y, cv=2, n_permutations=4)
    together = permutation_test(MODEL, X, y, cv=2, n_permutations=4, n_jobs=2)
    np.testing.assert_array_equal(alone.permutation_scores, together.permutation_scores)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_permutations": 0}, "n_permutations=0 must be an integer"),
        ({"permute": "rows"}, "permute='rows' must be"),
        ({"groups": "sex"}, "groups='sex' is no column of X"),
        ({"groups": np.arange(12)}, 'Every group has one row.*permute="between"'),
        ({"groups": np.zeros(12), "permute": "between"}, "1 groups have labels"),
        ({"scoring": "mae"}, "is an error measure"),
    ],
)
def test_wrong_arguments(arguments, message):
    X, y = recordings()
    with pytest.raises(ValueError, match=message):
        permutation_test(MODEL, X, y, **arguments)
