"""The refusals of arithmetic, order and reductions, which columns of sequences do not have."""

import operator

import pandas as pd

from avfusion.sequences._callers import table_tool

ARITHMETIC = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
    "pow": "**",
    "divmod": "divmod()",
    "matmul": "@",
    "and": "&",
    "or": "|",
    "xor": "^",
}
ORDER = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
UNARY = {"neg": "-", "pos": "+", "abs": "abs()", "invert": "~"}
WITHOUT_NUMBERS = {"first", "last", "nth", "size", "count"}  # ways to group that do not compute


def undefined(dtype, what):
    """Return the error for something that columns of sequences do not have.

    Parameters
    ----------
    dtype : SequenceDtype
    what : str
        As in code: ``mean``, ``+``.

    Returns
    -------
    TypeError

    Examples
    --------
    >>> from avfusion.sequences import SequenceDtype
    >>> str(undefined(SequenceDtype(), "mean"))[:60]
    "'SequenceArray' with dtype sequence[float32, 1] does not sup"
    """
    remedy = table_tool() or (
        "Use Functionals for numbers of each row, column.map(lambda cell: ...) for others, OnFrames or "
        "column.array.with_frames(...) to change frames."
    )
    return TypeError(
        f"'SequenceArray' with dtype {dtype} does not support operation '{what}', as its cells are "
        f"sequences. {remedy}"
    )


def unordered(symbol, one, other):
    """Return the error for a comparison of what has no order.

    Parameters
    ----------
    symbol, one, other : str
        The operator, and the types on its two sides.

    Returns
    -------
    TypeError

    Examples
    --------
    >>> str(unordered("<", "Sequence", "Sequence"))[:61]
    "'<' not supported between instances of 'Sequence' and 'Sequen"
    """
    return TypeError(
        f"'{symbol}' not supported between instances of '{one}' and '{other}', as sequences have no order. "
        "Sort by a number of each, X.sort_values('audio', key=lambda column: column.array.lengths), and "
        "group with groupby(..., sort=False)."
    )


class WithoutNumbers:
    """The part of a column that refuses to be a column of numbers."""

    def _reduce(self, name, *, skipna=True, keepdims=False, **kwargs):
        if name == "count":
            return super()._reduce(name, skipna=skipna, keepdims=keepdims, **kwargs)
        raise undefined(self.dtype, name)

    def _accumulate(self, name, *, skipna=True, **kwargs):
        raise undefined(self.dtype, name)

    def _quantile(self, qs, interpolation):
        raise undefined(self.dtype, "quantile")

    def interpolate(self, **options):
        """Refuse to fill missing rows from those beside them: other recordings are no help.

        Parameters
        ----------
        **options
            What pandas passes on.

        Raises
        ------
        TypeError
            Always.

        Examples
        --------
        >>> from avfusion.sequences import SequenceArray
        >>> SequenceArray.from_sequences([[1.0], None]).interpolate()
        Traceback (most recent call last):
        ...
        TypeError: 'SequenceArray' with dtype ... does not support operation 'interpolate', as its cells ...
        """
        raise undefined(self.dtype, "interpolate")

    def _groupby_op(self, *, how, **kwargs):
        if how not in WITHOUT_NUMBERS:
            raise undefined(self.dtype, how)
        return super()._groupby_op(how=how, **kwargs)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method == "__call__" and ufunc.__name__ in ("equal", "not_equal") and not kwargs:
            return {"equal": operator.eq, "not_equal": operator.ne}[ufunc.__name__](*inputs)
        if any(isinstance(part, (pd.Series, pd.Index, pd.DataFrame)) for part in inputs):
            return NotImplemented
        raise undefined(self.dtype, ufunc.__name__)


def _refuse(symbol):
    def method(self, other=None, *rest):
        if isinstance(other, (pd.Series, pd.Index, pd.DataFrame)):
            return NotImplemented
        raise undefined(self.dtype, symbol)

    return method


def _refuse_order(symbol):
    def method(self, other):
        if isinstance(other, (pd.Series, pd.Index, pd.DataFrame)):
            return NotImplemented
        raise unordered(symbol, type(self).__name__, type(other).__name__)

    return method


def refuse_order(cls):
    """Give a class the comparisons that it does not have, each of which says so.

    Examples
    --------
    >>> @refuse_order
    ... class Cell: ...
    >>> Cell() < Cell()
    Traceback (most recent call last):
    ...
    TypeError: '<' not supported between instances of 'Cell' and 'Cell', as sequences have no order. ...
    """
    for name, symbol in ORDER.items():
        setattr(cls, f"__{name}__", _refuse_order(symbol))
    return cls


refuse_order(WithoutNumbers)
for _name, _symbol in (ARITHMETIC | UNARY).items():
    setattr(WithoutNumbers, f"__{_name}__", _refuse(_symbol))
    if _name in ARITHMETIC:
        setattr(WithoutNumbers, f"__r{_name}__", _refuse(_symbol))
