"""A comparison as a LaTeX table, whose best scores are bold only where they are shown to be best."""

import numpy as np

from avfusion.model_selection.comparison._differences import mean_name, tables_of_pairs
from avfusion.model_selection.comparison._one_target import tables_of
from avfusion.model_selection.comparison._pairs import Pairs
from avfusion.model_selection.comparison._rescoring import score_of

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
}  # fmt: skip


def escaped(text):
    r"""Write a text so that LaTeX shows it as it is, on one line.

    Examples
    --------
    >>> print(escaped("a_b & 5%"))
    a\_b \& 5\%
    """
    text = "".join(_ESCAPES.get(character, character) for character in " ".join(str(text).split()))
    text = text.replace("--", "-{}-").replace("--", "-{}-")  # which would be a dash
    return f"{{}}{text}" if text.startswith(("[", "*")) else text  # after a line's end these are options


def latex_table(comparison, by_target=False):
    r"""Return the table of `Comparison.to_latex`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
    >>> print(latex_table(result).splitlines()[1])
    \begin{tabular}{lr}
    """
    of, names = comparison, comparison.target_names
    views = [None] if len(names) == 1 or not by_target else [*names, None]
    best = shown_best(of, views)
    level = f"{of.settings['level'] * 100:g}"
    scores = " & ".join(f"{escaped(score)} [{level}\\,\\%]" for score in of.scores)
    lines = [
        "% bold: better than every other estimator, by the paired bootstrap interval and the corrected test",
        rf"\begin{{tabular}}{{l{'r' * len(of.scores)}}}",
        r"\toprule",
        rf"estimator & {scores} \\",
    ]
    for view in views:
        lines.append(r"\midrule")
        if len(views) > 1:
            title = escaped(mean_name(names) if view is None else view)
            lines.append(rf"\multicolumn{{{len(of.scores) + 1}}}{{l}}{{\textit{{{title}}}}} \\")
        for name, line in tables_of(of, view).table.iterrows():
            cells = [_cell(line, score, (view, score, name) in best) for score in of.scores]
            lines.append(rf"{escaped(name)} & {' & '.join(cells)} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def shown_best(comparison, views):
    """Find the estimators that are shown to be better than every other one.

    Parameters
    ----------
    comparison : Comparison
    views : list
        Names of targets; None is the mean over all.

    Returns
    -------
    set of (str or None, str, str)
        View, score and name.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> models = {"good": Ridge(), "bad": Ridge(1e4)}
    >>> shown_best(compare(models, X, X[:, 0], scoring="mae", verbose=False), [None])
    {(None, 'mae', 'good')}
    """
    metrics = [name for name in comparison.scores if score_of(comparison, name).metric is not None]
    if not metrics:
        return set()
    pairs, found = Pairs([comparison], metrics), set()
    for score in metrics:
        for view in views:
            values = tables_of(comparison, view).table[score].dropna()
            if len(values) < 2:
                continue
            best = values.idxmax() if pairs.scores[score].higher_is_better else values.idxmin()
            against = tables_of_pairs(pairs, best, score, [view])[view].dropna(subset=["difference"])
            if (against["conclusion"] == "worse").all():
                found.add((view, score, best))
    return found


def _cell(line, score, bold):
    value, low, high = line[score], line[f"{score}_low"], line[f"{score}_high"]
    if np.isnan(value):
        return "--"
    text = f"{value:.3f}".replace("-", "$-$")
    interval = "" if np.isnan(low) else f" [{low:.3f}, {high:.3f}]".replace("-", "$-$")
    return rf"\textbf{{{text}}}{interval}" if bold else text + interval
