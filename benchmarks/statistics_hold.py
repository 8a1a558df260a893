"""Test of the package's statistics: coverage and false alarms, on simulated data whose truth is known.

``python -m benchmarks.statistics_hold`` measures

- how often the t-test over folds calls two models different that are equally good by construction (each sees
  its own half of worthless features), plain and corrected;
- how often bootstrap intervals over groups of the CCC, and of the difference of two CCCs, cover the value of
  the population, where the frames of a recording are strongly autocorrelated.
"""

import numpy as np
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from avfusion.metrics import bootstrap_interval, ccc_score
from avfusion.metrics._bootstrap import resampled_scores
from avfusion.model_selection import corrected_resampled_t_test
from benchmarks import report


def false_alarms(n_simulations, n_rows=60, n_repeats=5, n_splits=5):
    """Return how often equal models are called different at the 5 % level."""
    rng = np.random.default_rng(0)
    p_values = {"plain t-test": [], "corrected resampled t-test": []}
    for _ in range(n_simulations):
        X, y = rng.normal(size=(n_rows, 6)), rng.normal(size=n_rows)
        differences = [
            np.subtract(*(error(X[:, half], y, train, test) for half in (slice(0, 3), slice(3, 6))))
            for repeat in range(n_repeats)
            for train, test in KFold(n_splits, shuffle=True, random_state=rng.integers(2**31)).split(X)
        ]
        p_values["plain t-test"].append(stats.ttest_1samp(differences, 0).pvalue)
        _, p = corrected_resampled_t_test(differences, n_splits - 1, 1)
        p_values["corrected resampled t-test"].append(p)
    return [
        {
            "test": name,
            "folds": n_repeats * n_splits,
            "simulations": n_simulations,
            "false alarms": float(np.mean(np.array(values) < 0.05)),
            "at most": 0.07,
        }
        for name, values in p_values.items()
    ]


def error(X, y, train, test):
    """Return the mean absolute error of a ridge regression."""
    return np.abs(Ridge(1e-3).fit(X[train], y[train]).predict(X[test]) - y[test]).mean()


def simulate(rng, n_groups, steps, memory=0.98):
    """Return labels and two models' predictions: autocorrelated, with a level for each group."""
    shape = (n_groups, steps)

    def slow():
        noise = rng.normal(size=shape)
        series = np.empty(shape)
        series[:, 0] = noise[:, 0]
        for t in range(1, steps):
            series[:, t] = memory * series[:, t - 1] + np.sqrt(1 - memory**2) * noise[:, t]
        return series + 0.5 * rng.normal(size=(n_groups, 1))

    label, shared = slow(), slow()
    return label, [0.6 * label + 0.5 * shared + 0.4 * slow(), 0.5 * label + 0.5 * shared + 0.4 * slow()]


def coverage(n_simulations, n_groups, steps=300):
    """Return how often intervals cover the CCC, and the difference of CCCs, of the population."""
    label, predictions = simulate(np.random.default_rng(12345), 20_000, 100)
    population = [ccc_score(label.ravel(), p.ravel()) for p in predictions]
    rng = np.random.default_rng(0)
    covered = {"CCC": 0, "difference of two CCCs": 0, "CCC, resampling frames": 0}
    for simulation in range(n_simulations):
        label, predictions = simulate(rng, n_groups, steps)
        y, one, two = ([*x] for x in (label, *predictions))
        low, high = bootstrap_interval(y, one, random_state=simulation)
        covered["CCC"] += low <= population[0] <= high
        both = [resampled_scores(y, p, random_state=simulation) for p in (one, two)]
        low, high = (both[0] - both[1]).interval(0.95)
        covered["difference of two CCCs"] += low <= population[0] - population[1] <= high
        low, high = bootstrap_interval(label.ravel(), predictions[0].ravel(), n_resamples=100, random_state=0)
        covered["CCC, resampling frames"] += low <= population[0] <= high
    return [
        {
            "interval of the": name,
            "groups": n_groups,
            "frames per group": steps,
            "simulations": n_simulations,
            "coverage": count / n_simulations,
            "nominal": 0.95,
        }
        for name, count in covered.items()
    ]


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--groups", type=int, nargs="+", default=[10, 20, 40])
    chosen = parser.parse_args(arguments)
    if chosen.short:
        chosen.simulations = min(chosen.simulations, 50)
    tables = {
        "false alarms at the 5 % level": false_alarms(chosen.simulations),
        "coverage of 95 % intervals": [
            line for n_groups in chosen.groups for line in coverage(chosen.simulations, n_groups)
        ],
    }
    report.publish("statistics_hold", tables, chosen.output)


if __name__ == "__main__":
    main()
