"""A comparison as it is read: lines above the table, the table, blocks below it; text, HTML and Markdown."""

from html import escape
from typing import NamedTuple

import numpy as np
import pandas as pd

from avfusion.sequences._messages import printable_lines
from avfusion.sequences._targets import as_targets


class Block(NamedTuple):
    """A sentence and a table of text cells that stand below the main table."""

    title: str
    table: pd.DataFrame


def as_text(comparison):
    """Write a comparison for a terminal.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, [1.0, 2.0] * 5
    >>> print(as_text(compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False)))
    Comparison of 1 estimator: 10 rows, 5 folds; intervals: bootstrap over rows
    ...
    """
    parts = [*_header(comparison), _plain(main_table(comparison))]
    for block in _blocks(comparison):
        parts += ["", block.title, _plain(block.table)]
    return printable_lines("\n".join(parts))


def as_html(comparison):
    """Write a comparison for a notebook.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, [1.0, 2.0] * 5
    >>> print(as_html(compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False)))
    <p>Comparison of 1 estimator: 10 rows, 5 folds; intervals: bootstrap over rows</p>
    ...
    """
    parts = [f"<p>{escape(line)}</p>" for line in _header(comparison)]
    parts.append(main_table(comparison).to_html())
    for block in _blocks(comparison):
        parts += [f"<p>{escape(block.title)}</p>", block.table.to_html()]
    return printable_lines("\n".join(parts))


def as_markdown(comparison):
    """Write table and blocks as Markdown.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, [1.0, 2.0] * 5
    >>> print(as_markdown(compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False)))
    | estimator | ... |
    | --------- | ... |
    | ridge     | ... |
    """
    parts = [markdown_table(main_table(comparison))]
    parts += [f"{block.title}\n\n{markdown_table(block.table)}" for block in _blocks(comparison)]
    return "\n".join(parts)


def markdown_table(table):
    r"""Write a table of text cells as Markdown, with aligned columns.

    Parameters
    ----------
    table : DataFrame
        With a named index.

    Examples
    --------
    >>> table = pd.DataFrame({"ccc": ["0.5"]}, index=pd.Index(["a|b"], name="estimator"))
    >>> print(markdown_table(table), end="")
    | estimator | ccc |
    | --------- | --: |
    | a\|b      | 0.5 |
    """
    lines = [
        [table.index.name, *table.columns],
        *([name, *cells] for name, cells in zip(table.index, table.to_numpy())),
    ]
    lines = [[" ".join(str(cell).split()).replace("|", r"\|") for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    aligned = [
        [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:]))] for line in lines
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [aligned[0], rule, *aligned[1:]]) + "\n"


def main_table(comparison):
    """Return the table for reading: text cells, standard deviation of the first score, no column twice.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, [1.0, 2.0] * 5
    >>> list(main_table(compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False)))
    ['mae [95 %]', 'mae per fold', 'fit_s', 'predict_s']
    """
    table, settings = comparison.table, comparison.settings
    level = f"{settings['level'] * 100:g} %"
    shown = {}
    for position, score in enumerate(comparison.scores):
        low, high = table[f"{score}_low"], table[f"{score}_high"]
        shown[f"{score} [{level}]"] = [
            number(v) if np.isnan(a) else f"{v:.3f} [{a:.3f}, {b:.3f}]"
            for v, a, b in zip(table[score], low, high)
        ]
        if position:
            continue
        if f"{score}_seed_std" in table:
            shown[f"{score}, ± of seeds"] = [number(v, "-") for v in table[f"{score}_seed_std"]]
        pairs = zip(table[f"{score}_fold_mean"], table[f"{score}_fold_std"])
        if settings["n_folds"] > 1:
            shown[f"{score} per fold"] = [
                "failed" if np.isnan(mean) else f"{mean:.3f} ± {std:.3f}" for mean, std in pairs
            ]
        groups = table.get(f"{score}_group_mean")
        if groups is not None and not np.allclose(groups, table[f"{score}_fold_mean"], equal_nan=True):
            shown[f"{score} per group"] = [number(mean) for mean in groups]
    if "n_failed" in table:
        shown["fits that failed"] = list(table["n_failed"])
    for seconds in ("fit_s", "predict_s"):
        shown[seconds] = [number(v, "-", 2) for v in table[seconds]]
    return pd.DataFrame(shown, index=table.index)


def number(value, missing="failed", digits=3):
    """Write a number that may be missing.

    Examples
    --------
    >>> number(0.12345), number(float("nan"))
    ('0.123', 'failed')
    """
    return missing if np.isnan(value) else f"{value:.{digits}f}"


def _summary(comparison):
    """Return one line on the comparison: the number of tested rows, and the subject of the intervals."""
    tested, settings = comparison.fold_of_row >= 0, comparison.settings
    rows = _of_all(int(tested.sum()), len(tested), "rows")
    grouped = ""
    if comparison.group_of_row is not None:
        n_tested = len(pd.unique(comparison.group_of_row[tested]))
        grouped = ", " + _of_all(n_tested, settings["n_groups"], "groups")
    n_folds, n_targets = settings["n_folds"], as_targets(comparison.y).form.n_targets
    table = comparison.table
    seeds = f", up to {table['n_seeds'].max()} seeds" if "n_seeds" in table else ""
    targets = f"; means over {n_targets} targets" if n_targets > 1 else ""
    return (
        f"Comparison of {_plural(len(table), 'estimator')}: {rows}{grouped}, "
        f"{_plural(n_folds, 'fold')}{seeds}{targets}; "
        f"intervals: bootstrap over {'groups' if grouped else 'rows'}"
        f"{'; labels are weighted' * (comparison.sample_weight is not None)}"
    )


def _header(comparison):
    """Return the lines above the table; functions of HEADER give an empty text where there is none."""
    return [line for line in (write(comparison) for write in HEADER) if line]


def _blocks(comparison):
    """Return the blocks below the table; functions of BLOCKS give None where there is none."""
    return [block for block in (make(comparison) for make in BLOCKS) if block is not None]


def _situation(comparison):
    """Return what the situation alone predicts."""
    return comparison.situation and Block(*comparison.situation.blocks()[0])


def _shares(comparison):
    """Return shares of the variance, and what models explain of them."""
    return comparison.situation and Block(*comparison.situation.blocks()[1])


def _plain(table):
    with pd.option_context("display.max_colwidth", None, "display.width", None):
        return table.to_string()


def _plural(number, what):
    return f"{number} {what}{'s' * (number > 1)}"


def _of_all(number, total, what):
    """Write how many of all there are were tested."""
    return f"{total} {what}" if number == total else f"{number} of {total} {what} tested"


# What a comparison shows, in this order: functions of the comparison.
HEADER = (_summary,)  # each returns a line, or ""
BLOCKS = (_situation, _shares)  # each returns a Block, or None
