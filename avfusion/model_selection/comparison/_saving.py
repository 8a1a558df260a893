"""The files of a comparison."""

import json
from pathlib import Path

from avfusion._checksums import write_table
from avfusion.model_selection.records._provenance import write_recipe
from avfusion.model_selection.records._result_folder import COMPARISON, result_folder

_MOST_TARGETS = 20  # that tables for reading have one by one


def write(comparison, folder):
    """Write all files, as `Comparison.save` lists them.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
    >>> with TemporaryDirectory() as folder:
    ...     (write(result, folder) / "table.md").read_text() == result.to_markdown()
    True
    """
    of = comparison
    by_target = 1 < len(of.target_names) <= _MOST_TARGETS
    texts = {
        "table.md": of.to_markdown(by_target=by_target),
        "table.tex": of.to_latex(by_target=by_target),
        "settings.json": json.dumps(of.settings, indent=2) + "\n",
    }
    frames = {"folds.csv": of.folds, "targets.csv": of.targets, "table.csv": of.table.reset_index()}
    frames |= {"groups.csv": of.groups} if len(of.groups) else {}
    frames |= {"seeds.csv": of.seeds} if "n_seeds" in of.table else {}
    if of.situation is not None:
        frames["situation.csv"] = of.situation.table.reset_index()
        frames["situation_shares.csv"] = of.situation.shares
    with result_folder(folder, COMPARISON) as part:
        for name, text in texts.items():
            (part / name).write_text(text, encoding="utf-8", errors="backslashreplace")
        for name, frame in frames.items():
            frame.to_csv(part / name, index=False, errors="backslashreplace")
        write_table(of.prediction_table(), part / "predictions.parquet", ".parquet", index=False)
        figure_of(of).savefig(part / "plot.png", format="png", dpi=150)
        write_recipe(of.recipe, part)
    return Path(folder)


def figure_of(comparison):
    """Draw a comparison in a figure that no window shows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> len(figure_of(compare({"ridge": Ridge()}, X, X[:, 0], verbose=False)).axes)
    1
    """
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    figure = Figure(layout="constrained")
    comparison.plot(ax=figure)
    return figure
