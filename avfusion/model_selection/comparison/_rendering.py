"""A comparison as it is read: lines above the table, the table, blocks below it; text, HTML and Markdown."""

from dataclasses import replace
from html import escape
from textwrap import wrap
from typing import NamedTuple

import numpy as np
import pandas as pd

from avfusion.model_selection.comparison._differences import mean_name
from avfusion.model_selection.comparison._novelty import novelty_line
from avfusion.model_selection.comparison._one_target import tables_of
from avfusion.sequences._messages import brief, printable_lines
from avfusion.sequences._targets import as_targets

_UNITS = {"h": 3600, "min": 60}  # the largest of which there are three, else seconds
_WIDTH = 100  # of a terminal, in characters
_LONGEST_NAME = 50  # in a terminal
_FEW_TARGETS = 4  # so many have a block of their own below the table


class Block(NamedTuple):
    """A sentence and a table of text cells that stand below the main table."""

    title: str
    table: pd.DataFrame


def as_text(comparison, all_targets=False):
    """Write a comparison for a terminal.

    Parameters
    ----------
    comparison : Comparison
    all_targets : bool, default=False
        Whether the first score of each target is shown however many there are, and no word on methods.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, [1.0, 2.0] * 5
    >>> print(as_text(compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False)))
    Comparison of 1 estimator: 10 rows, 5 folds; intervals: bootstrap over rows
    ...
    """
    blocks = _blocks(comparison)
    header = [line for line in _header(comparison) if not (all_targets and line == _targets_line(comparison))]
    if all_targets and len(comparison.target_names) > _FEW_TARGETS:
        blocks.append(_targets_block(comparison))
    parts = [*map(_wrapped, header), _plain(main_table(comparison))]
    for block in blocks:
        parts += ["", *map(_wrapped, block.title.splitlines()), _plain(block.table)]
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
    parts.append(_html(main_table(comparison)))
    for block in _blocks(comparison):
        parts += [f"<p>{escape(block.title)}</p>".replace("\n", "<br>"), _html(block.table)]
    return printable_lines("\n".join(parts))


def as_markdown(comparison, by_target=False):
    """Write the main table, and those of each target, as Markdown.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, [[1.0, 2.0], [2.0, 1.0]] * 5
    >>> result = compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False)
    >>> [line for line in as_markdown(result, by_target=True).splitlines() if line.startswith("**")]
    ['**Mean of 2 targets**', '**target 0**', '**target 1**']
    """
    names = comparison.target_names
    whole, line = markdown_table(main_table(comparison)), novelty_line(comparison)
    below = [line] * bool(line)
    below += [
        f"{block.title}\n\n{markdown_table(block.table)}".rstrip()
        for block in (_situation(comparison), _shares(comparison))
        if block is not None
    ]
    below = "".join(f"\n{part}\n" for part in below)
    if not by_target or len(names) == 1:
        return whole + below
    parts = [(f"Mean of {len(names)} targets", whole)]
    for name in names:
        part = replace(comparison, **tables_of(comparison, name)._asdict())
        parts.append((" ".join(name.split()), markdown_table(main_table(part))))
    return "\n".join(f"**{title}**\n\n{table}" for title, table in parts) + below


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
        shown[f"{score} [{level}]"] = _scores(table, score)
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
    return pd.DataFrame(shown | _times(table), index=table.index)


def _times(table):
    """Return times of one fit and its predictions in one unit, which the columns' names have."""
    seconds = table[["fit_s", "predict_s"]]
    longest = seconds.max(axis=None, skipna=True)
    unit = next((unit for unit, size in _UNITS.items() if longest >= 3 * size), "s")
    size = _UNITS.get(unit, 1)
    return {
        name.removesuffix("s") + unit: [_time(value) for value in seconds[name] / size] for name in seconds
    }


def _time(value):
    """Write a time with two decimals, or two digits where it is short."""
    if np.isnan(value):
        return "-"
    return f"{value:.2f}" if value >= 0.095 or value == 0 else f"{float(f'{value:.2g}'):f}".rstrip("0")


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
    labelled = as_targets(comparison.y).labelled.any(axis=1)
    rows = _of_all(int(tested.sum()), len(tested), "rows")
    grouped = ""
    if comparison.group_of_row is not None:
        n_tested = len(pd.unique(comparison.group_of_row[tested & labelled]))
        n_given = settings.get("n_groups_given", settings["n_groups"])
        grouped = ", " + _of_all(n_tested, n_given, "groups") + _kinds(settings)
    n_folds, n_targets = settings["n_folds"], as_targets(comparison.y).form.n_targets
    table = comparison.table
    seeds = f", up to {table['n_seeds'].max()} seeds" if "n_seeds" in table else ""
    targets = f"; means over {n_targets} targets" if n_targets > 1 else ""
    if "target" in settings:
        targets = f"; target {settings['target']!r} alone"
    return (
        f"Comparison of {_plural(len(table), 'estimator')}: {rows}{grouped}, "
        f"{_plural(n_folds, 'fold')}{seeds}{targets}; "
        f"{_intervals(settings)}"
        f"{'; labels are weighted' * (comparison.sample_weight is not None)}"
    )


def _kinds(settings):
    """Write how many groups of each kind there are, where there are several kinds."""
    of_kind = settings.get("n_groups_of", {})
    return f" ({' x '.join(f'{n} {kind}' for kind, n in of_kind.items())})" if len(of_kind) > 1 else ""


def _intervals(settings):
    if settings["n_groups"] is None:
        return "intervals: bootstrap over rows"
    of_kind = settings.get("n_groups_of", {})
    if min(of_kind.values(), default=2) < 2:
        return "no intervals: a single group was tested"
    return f"intervals: bootstrap over {' and '.join(of_kind) if len(of_kind) > 1 else 'groups'}"


def _header(comparison):
    """Return the lines above the table; functions of HEADER give an empty text where there is none."""
    return [line for line in (write(comparison) for write in HEADER) if line]


def _blocks(comparison):
    """Return the blocks below the table; functions of BLOCKS give None where there is none."""
    return [block for block in (make(comparison) for make in BLOCKS) if block is not None]


def _targets_line(comparison):
    """Return where each of several targets is seen."""
    names = comparison.target_names
    if len(names) == 1:
        return ""
    one = brief(names[0], 30)
    return f"Means over targets; each alone: .by_target(), .of_target({one}), .plot(target=...)."


def _few_targets_block(comparison):
    """Return the first score of a few targets beside their mean; with intervals where there is room."""
    names = comparison.target_names
    if not 1 < len(names) <= _FEW_TARGETS:
        return None
    block = _targets_block(comparison)
    return block if _width(block.table) <= _WIDTH else _targets_block(comparison, with_interval=False)


def _targets_block(comparison, with_interval=True):
    """Return the first score of each target, and their mean."""
    names = comparison.target_names
    score, level = comparison.scores[0], f"{comparison.settings['level'] * 100:g} %"
    tables = {name: tables_of(comparison, name).table for name in names}
    tables[mean_name(names)] = comparison.table
    cells = {name: _scores(table, score, "-", with_interval) for name, table in tables.items()}
    title = f"{score} of each target{f' [{level}]' * with_interval}"
    return Block(title, pd.DataFrame(cells, index=comparison.table.index))


def _scores(table, score, missing="failed", with_interval=True):
    """Write a score of all estimators, with its interval."""
    ends = zip(table[score], table[f"{score}_low"], table[f"{score}_high"])
    return [
        number(v, missing) if np.isnan(a) or not with_interval else f"{v:.3f} [{a:.3f}, {b:.3f}]"
        for v, a, b in ends
    ]


def _situation(comparison):
    """Return what the situation alone predicts."""
    return comparison.situation and Block(*comparison.situation.blocks()[0])


def _shares(comparison):
    """Return shares of the variance, and what models explain of them."""
    return comparison.situation and Block(*comparison.situation.blocks()[1])


def _wrapped(line):
    """Break a sentence into lines of at most 100 characters."""
    return "\n".join(wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False)) or line


def _html(table):
    """Write a table for a notebook, no name cut off."""
    with pd.option_context("display.max_colwidth", None):
        return table.to_html()


def _shortened(names):
    """Cut names that would push all numbers out of sight, unless two become alike."""
    short = [
        f"{name[: _LONGEST_NAME - 3]}..." if isinstance(name, str) and len(name) > _LONGEST_NAME else name
        for name in names
    ]
    return names if len(set(short)) < len(set(names)) else pd.Index(short, name=names.name)


def _plain(table):
    """Write a table in lines of at most 100 characters: columns go where there is room, others below."""
    table = table.set_axis(_shortened(table.index)).set_axis(_shortened(table.columns), axis=1)
    parts, columns = [], [[column] for column in range(table.shape[1])]
    if str(table.columns[-1]).startswith("predict_"):  # beside the times of fits
        columns[-2:] = [[len(columns) - 2, len(columns) - 1]]
    for own in columns:
        room = (part for part in parts if _width(table.iloc[:, part + own]) <= _WIDTH)
        part = next(room, None)
        if part is None:
            parts.append(part := [])
        part += own
    return "\n\n".join(_lines(table.iloc[:, part]) for part in parts)


def _lines(table):
    with pd.option_context("display.max_colwidth", None, "display.width", None):
        return table.to_string()


def _width(table):
    return max(map(len, _lines(table).splitlines()))


def _plural(number, what):
    return f"{number} {what}{'s' * (number > 1)}"


def _of_all(number, total, what):
    """Write how many of all there are were tested."""
    return f"{total} {what}" if number == total else f"{number} of {total} {what} tested"


# What a comparison shows, in this order: functions of the comparison.
HEADER = (_summary, _targets_line, novelty_line)  # each returns a line, or ""
BLOCKS = (_few_targets_block, _situation, _shares)  # each returns a Block, or None
