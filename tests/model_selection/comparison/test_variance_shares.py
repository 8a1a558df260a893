"""Shares of the variance against projections on dense matrices."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.preprocessing import SplineTransformer

from avfusion.model_selection.comparison._situation_columns import Factor
from avfusion.model_selection.comparison._variance_shares import by_chance, products
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import with_weights


def study(weighted, seed=0):
    """Recordings of unequal lengths, some pairs of stimulus and person missing, some labels too."""
    rng = np.random.default_rng(seed)
    pairs = [(s, p) for s in range(4) for p in range(6) if rng.random() < 0.8]
    stimulus, person = np.array(pairs).T
    lengths = rng.integers(6, 14, size=len(pairs))
    levels = rng.normal(size=(2, len(pairs))) + stimulus + person
    y, p = (
        [level + np.sin(np.arange(n)) + rng.normal(size=n) for level, n in zip(own, lengths)]
        for own in levels
    )
    y[2][1] = np.nan
    weights = rng.integers(1, 4, size=len(pairs)).astype(float) if weighted else None
    factors = [Factor("stimulus", "video", stimulus), Factor("person", "subject", person)]
    return with_weights(as_targets(y), weights), as_targets(p), factors


def dense(true, pred, factors):
    """The slow, obvious way: residual sums of squares and products of one regression after the other."""
    kept = ~np.isnan(true.values[:, 0])
    y, p = true.values[kept, 0], pred.values[kept, 0]
    w = np.ones(kept.sum()) if true.weights is None else true.weights[kept, 0]
    row = true.row_of_value[kept]
    step = np.concatenate([np.arange(n) for n in true.lengths])[kept]

    def indicators(codes):
        return (codes[:, None] == np.unique(codes)).astype(float)

    spline = SplineTransformer(8, include_bias=False).fit(np.unique(step)[:, None].astype(float))
    designs = {"mean": np.ones((len(y), 1))}
    designs["stimulus"] = indicators(factors[0].codes[row])
    designs["person"] = indicators(factors[1].codes[row])
    designs["recording"] = indicators(row)
    designs["time"] = spline.transform(step[:, None].astype(float))
    root, found, before, columns = np.sqrt(w), {}, (np.zeros(len(y)),) * 2, []
    for name, design in designs.items():
        columns.append(design)
        system = root[:, None] * np.hstack(columns)
        fits = tuple(system @ np.linalg.lstsq(system, root * side, rcond=None)[0] for side in (y, p))
        (yy, pp) = (after - old for after, old in zip(fits, before))
        found[name] = (yy @ yy, yy @ pp, pp @ pp)
        before = fits
    rest = root * y - before[0], root * p - before[1]
    found["rest"] = (rest[0] @ rest[0], rest[0] @ rest[1], rest[1] @ rest[1])
    found["rest"] = tuple(a + b for a, b in zip(found["rest"], found.pop("recording")))
    found.pop("mean")
    return found


@pytest.mark.parametrize("weighted", [False, True])
def test_parts_are_projections_one_after_the_other(weighted):
    true, pred, factors = study(weighted)
    expected = dense(true, pred, factors)
    own = products(true, pred, factors)[0]
    for number, side in enumerate((own.true_true, own.true_pred, own.pred_pred)):
        for part, values in expected.items():
            np.testing.assert_allclose(side[part], values[number], rtol=1e-6, atol=1e-6)


def test_what_is_explained_adds_up_to_r2():
    true, pred, factors = study(False)
    explained = products(true, pred, factors)[0].explained()
    kept = ~np.isnan(true.values[:, 0])
    y, p = true.values[kept, 0], pred.values[kept, 0]
    p = p - p.mean() + y.mean()  # a bias is in no part
    assert sum(explained.values()) == pytest.approx(1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def test_labels_explain_themselves():
    true, _, factors = study(True)
    own = products(true, true, factors)[0]
    assert own.explained() == pytest.approx(own.shares())
    assert sum(own.shares().values()) == pytest.approx(1)


def test_factors_without_effect_have_the_share_of_chance():
    """Mean over draws of labels of which factors know nothing."""
    found, expected = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        factors = study(False)[2]
        labels = as_targets(rng.normal(size=len(factors[0].codes)))
        found.append(list(products(labels, labels, factors)[0].shares().values())[:2])
        expected.append(list(by_chance(labels, factors)[0].values()))
    np.testing.assert_allclose(np.mean(found, axis=0), np.mean(expected, axis=0), atol=0.05)


def test_missing_levels_are_one_of_their_own():
    labels = as_targets([1.0, 1.0, 5.0, 5.0])
    factor = Factor("stimulus", "video", np.array([0, 0, -1, -1]))
    assert products(labels, labels, [factor])[0].shares() == pytest.approx({"stimulus": 1.0, "rest": 0.0})


def test_labels_that_never_vary_have_no_shares():
    labels = as_targets([2.0, 2.0])
    assert set(products(labels, labels, [Factor("person", "s", np.array([0, 1]))])[0].shares().values()) == {
        0.0
    }


def test_several_targets_have_their_own_labels():
    values = np.array([[1.0, np.nan], [3.0, 1.0], [5.0, 2.0], [7.0, 9.0]])
    factor = [Factor("stimulus", "video", np.array([0, 0, 1, 1]))]
    both = products(as_targets(values), as_targets(values), factor)
    alone = replace(as_targets(values[1:, [1]]))
    expected = products(alone, alone, [Factor("stimulus", "video", np.array([0, 1, 1]))])[0]
    assert both[1].shares() == pytest.approx(expected.shares())
