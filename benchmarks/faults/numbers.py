"""Forms and sizes of numbers, against plain float64."""

import warnings
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.cli._tables import check_rows, save_table
from avfusion.metrics import ccc_score, mean_absolute_error, pcc_score, root_mean_squared_error
from avfusion.sequences import SequenceArray, as_sequences, as_targets
from benchmarks.faults.harness import Case
from benchmarks.faults.lost_digits import lost_digits

NAN = np.nan
HIDDEN = 9e9
SHORT = {"max_epochs": 2, "random_state": 0}
SIZES = (1e-310, 1e-160, 1e-40, 1e40, 1e160, 1e250, 1e300)
LEARNING_RATES = (1e2, 1e8, 1e20, 1e38)
SETTINGS = ({}, {"early_stopping": True}, {"weight_average": 0.9}, {"gradient_clip": 1.0})


def cases(folder, rng):
    yield from (Case(f"labels, {name}", partial(read_labels, make)) for name, make in labels())
    yield from (Case(f"features, {name}", partial(read_features, make)) for name, make in features())
    yield from (Case(f"fit, {name}", partial(fit_labels, make)) for name, make in labels())
    yield from (Case(f"masked, {name}", partial(masked, *made)) for name, made in masks(rng))
    yield from (Case(f"bounds {k}", partial(bounds, *made)) for k, made in enumerate(rows(rng)))
    yield from (Case(f"edges, {name}", partial(edges, *made)) for name, made in shapes())
    yield from (Case(f"index, {name}", partial(index, *made)) for name, made in indexes())
    yield from (Case(f"scores, {name}", partial(scores, *made)) for name, made in scales())
    yield from lost_digits(rng)
    for name, kind, size, what in product(estimators(), ("frame", "clip"), SIZES, ("labels", "features")):
        yield Case(f"size, {name}, {what} of {size:g} per {kind}", partial(sizes, name, kind, size, what))
    for name, (k, options), lr in product(networks(), enumerate(SETTINGS), LEARNING_RATES):
        yield Case(f"lr {lr:g}, setting {k}, {name}", partial(learning_rate, name, options, lr))
    for name, (at, early) in product(networks(), ((0, True), (3, True), (3, False))):
        yield Case(f"loss lost after {at}, {name}, early stopping {early}", partial(loss, name, at, early))


def objects(values):
    return pd.Series(values, dtype=object).to_numpy()


def labels():
    """Yield labels in many forms, with what they are in float64 (None: there is no such number)."""
    plain = [0.5, -1.25, 3.0, 2.0]
    some = [0.5, NAN, 3.0, 2.0]
    for kind in ("f2", "f4", "f8", ">f4", ">f8", "g", "i1", "i8", ">i2", "u1", "u8", "?"):
        values = np.array(plain).clip(0).astype(kind)
        yield f"array of {kind}", lambda values=values: (values, values.astype(np.float64))
    for kind in ("Int8", "Int64", "UInt64", "Float32", "Float64", "boolean"):
        values = pd.array([1, None, 0, 1], dtype=kind)
        for name, wrap in (("array", lambda v: v), ("Series", pd.Series), ("list", list)):
            yield f"{name} of {kind}", lambda v=values, wrap=wrap: (wrap(v), [1.0, NAN, 0.0, 1.0])
    numbers = {
        "decimals": [Decimal("0.1"), Decimal("NaN"), Decimal(3), Decimal("1e-300")],
        "fractions": [Fraction(1, 3), None, Fraction(3), Fraction(10**30, 7)],
        "integers beyond 2**53": [2**53 + 1, 2**60 + 1, 10**30, -(2**63)],
        "mixed": [1, 2.5, True, np.float16(0.1)],
        "missing": [1.0, None, pd.NA, np.nan],
    }
    for name, values in numbers.items():
        exact = [NAN if v is None or v is pd.NA or v != v else float(v) for v in values]
        for form, wrap in (
            ("list", list),
            ("objects", objects),
            ("Series", lambda v: pd.Series(v, dtype=object)),
        ):
            yield f"{form} of {name}", lambda v=values, exact=exact, wrap=wrap: (wrap(v), exact)
    no_numbers = {
        "complex numbers": [1 + 0j, 2 + 0j],
        "complex64": [np.complex64(1 + 2j), 1.0],
        "words": ["1", "2"],
        "bytes": [b"1", 2.0],
        "durations": list(pd.to_timedelta([1, 2], unit="s")),
        "dates": list(pd.date_range("2020", periods=2)),
        "integers beyond floats": [10**400, 1],
        "fractions beyond floats": [Fraction(10**400), 1],
        "infinity": [np.inf, 1.0],
        "decimals of infinity": [Decimal("Infinity"), 1.0],
        "objects": [object(), 1.0],
        "sets": [{1}, {2}],
    }
    for name, values in no_numbers.items():
        for form, wrap in (("list", list), ("objects", objects), ("frames", lambda v: [objects(v)])):
            yield f"{form} of {name}", lambda v=values, wrap=wrap: (wrap(v), None)
    tensors = {
        "gradient": lambda: torch.tensor(plain, requires_grad=True),
        "bfloat16": lambda: torch.tensor(plain, dtype=torch.bfloat16),
        "half": lambda: torch.tensor(plain, dtype=torch.float16),
        "int64": lambda: torch.tensor([0, -1, 3, 2]),
        "slices": lambda: torch.tensor([plain, plain]).T[:, 0],
        "parameter": lambda: torch.nn.Parameter(torch.tensor(plain)),
    }
    for name, make in tensors.items():
        yield f"tensor, {name}", lambda make=make: (make(), make().detach().double().numpy())
        yield f"list of tensors, {name}", lambda make=make: (list(make()), make().detach().double().numpy())
    for name, make in {
        "meta": lambda: torch.zeros(4, device="meta"),
        "sparse": lambda: torch.eye(4).to_sparse(),
        "complex": lambda: torch.zeros(4, dtype=torch.complex64),
    }.items():
        yield f"tensor, {name}", lambda make=make: (make(), None)
        yield f"list of tensors, {name}", lambda make=make: ([make(), make()], None)
    yield "range", lambda: (range(4), [0, 1, 2, 3])
    yield "index", lambda: (pd.Index(plain), plain)
    yield "memoryview", lambda: (memoryview(np.array(plain)), plain)
    yield "sparse column", lambda: (pd.Series(pd.arrays.SparseArray(some)), some)
    yield "mapping of values", lambda: ({"a": 1.0}.values(), None)


def read_labels(make):
    y, expected = make()
    values = as_targets(y).values.ravel()
    return differ(values, expected)


def fit_labels(make):
    y, expected = make()
    n_rows = len(y)
    X = np.linspace(-1, 1, n_rows)[:, None] ** [1, 2]
    got = av.FrameRegressor(Ridge()).fit(X, y).predict(X)
    if expected is None:
        return "labels that are no numbers were fitted"
    known = ~np.isnan(np.asarray(expected, dtype=float))
    wanted = ridge_by_hand(X[known], np.asarray(expected, dtype=float)[known], X)
    scale = max(np.abs(wanted).max(), 1e-12)
    return differ(np.concatenate([np.ravel(v) for v in got]) / scale, wanted / scale, 1e-9)


def ridge_by_hand(X, y, new):
    A, t = X - X.mean(axis=0), y - y.mean()
    w = np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T @ t)
    return y.mean() + (new - X.mean(axis=0)) @ w


def differ(values, expected, tolerance=0.0):
    if expected is None:
        return f"was read as {values[:4]}"
    expected = np.asarray(expected, dtype=np.float64).ravel()
    if values.shape == expected.shape and np.allclose(values, expected, tolerance, tolerance, equal_nan=True):
        return None
    return f"{values[:4]} in place of {expected[:4]}"


def features():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3, 2))
    for kind in ("f2", "f4", "f8", ">f4", "g", "i1", "u8", "?"):
        own = table.astype(kind)
        yield (
            f"cells of {kind}",
            lambda v=own: ({"a": [v, v[:1]]}, [*v.ravel(), *v[:1].ravel()]),
        )
        yield f"array of {kind}", lambda v=own: ({"a": v[None]}, v.ravel())
        yield f"table of {kind}", lambda v=own: (v, v.ravel())
    exact = np.array([[0.5, 0.25], [1.5, -2.0]])
    tensor = torch.tensor(exact, dtype=torch.float32, requires_grad=True)
    forms = {
        "tensor": tensor,
        "bfloat16": tensor.bfloat16(),
        "steps as tensors": {"a": [list(tensor)]},
        "numbers as tensors": [list(row) for row in tensor],
        "decimals": {"a": [[[Decimal(str(v)) for v in row] for row in exact]]},
        "fractions": {"a": [objects([Fraction(v) for v in exact.ravel()]).reshape(2, 2)]},
        "lists": {"a": [exact.tolist()]},
        "tuples": {"a": [tuple(map(tuple, exact.tolist()))]},
        "arrays of arrays": {"a": [objects([exact[0], exact[1]])]},
        "DataFrame of Float64": {"a": [pd.DataFrame(exact, dtype="Float64")]},
    }
    for name, X in forms.items():
        yield name, lambda X=X: (X, exact)
    wrong = {
        "meta": torch.zeros(2, 2, device="meta"),
        "sparse": torch.eye(2).to_sparse(),
        "complex": {"a": [np.ones((2, 2)) + 0j]},
        "words": {"a": [[["1", "2"]]]},
        "bytes": {"a": [objects([b"1", b"2"])]},
        "durations": {"a": [np.ones((2, 2), dtype="m8[s]")]},
        "integers beyond floats": {"a": [objects([10**400, 1])]},
        "a table of integers beyond floats": [[10**400, 1], [1, 2]],
        "records": {"a": [np.ones(2, dtype=[("a", float), ("b", float)])]},
        "four axes": {"a": np.ones((2, 2, 2, 2))},
    }
    for name, X in wrong.items():
        yield name, lambda X=X: (X, None)


def read_features(make):
    X, expected = make()
    values = np.concatenate([row.frames.ravel() for row in as_sequences(X, dtype="float64").iloc[:, 0]])
    return differ(values, expected)


def masks(rng):
    flat, cube = rng.normal(size=4), rng.normal(size=(2, 3, 2))
    forms = {
        "array": lambda f, c: f,
        "table": lambda f, c: c[0],
        "cube": lambda f, c: c,
        "cells": lambda f, c: [f, f[1:]],
        "tables in cells": lambda f, c: [c[0], c[1][:2]],
        "objects": lambda f, c: objects([f, f[:2]]),
        "numbers as objects": lambda f, c: f.astype(object),
        "numbers in lists": lambda f, c: list(f),
        "rows in lists": lambda f, c: [list(row) for row in c[0]],
        "Series": lambda f, c: pd.Series([f, f[2:]]),
        "DataFrame": lambda f, c: pd.DataFrame({"a": [f, f], "b": [f, f]}),
        "steps": lambda f, c: pd.Series([list(c[0]), list(c[1])]),
    }
    for name, form in forms.items():
        for k, share in enumerate((0.0, 0.2, 0.5, 1.0)):
            hidden = [rng.random(part.shape) < share for part in (flat, cube)]
            for hard in (False, True):
                yield f"{name}, mask {k}{', hard' * hard}", (form, (flat, cube), hidden, hard)


def masked(form, parts, hidden, hard):
    given = [
        np.ma.MaskedArray(np.where(mask, HIDDEN, part), mask=mask, hard_mask=hard)
        for part, mask in zip(parts, hidden)
    ]
    known = [np.where(mask, NAN, part) for part, mask in zip(parts, hidden)]
    given, expected = as_targets(form(*given)), as_targets(form(*known))
    return differ(given.values.ravel(), expected.values)


def rows(rng):
    edge = [0, 1, 5, 11, 12, 2**31, 2**32 - 1, 2**62, 2**63 - 1]
    for kind in ("i8", "u8", "i4", "u2", ">i8"):
        limits = np.iinfo(kind)
        for _ in range(40):
            chosen = rng.choice(edge + [-value for value in edge], size=(2, 2))
            yield chosen.clip(int(limits.min), int(min(limits.max, 2**63 - 1))).astype(kind).T
    huge = np.array([2**64 - 1], dtype="u8")
    yield from ((np.zeros(1, "u8"), huge), (huge, np.ones(1, "u8")), (huge, huge))
    for wrong in ([0.5, 0], [True, False], ["0", "1"], [0, None], [[0], [1]], [Decimal(0), 1]):
        yield from ((wrong, [1, 1]), ([0, 1], wrong))


def bounds(starts, lengths):
    n_frames = 12
    array = SequenceArray(np.arange(n_frames)[:, None], starts, lengths)
    for start, length, row in zip(map(int, starts), map(int, lengths), array):
        found = None if row is pd.NA else row.frames.ravel().tolist()
        wanted = None if length == -1 else list(range(start, start + length))
        if found != wanted:
            return f"row of start {start} and length {length} is {found}"
    return None


def shapes():
    for lengths, width, pattern, form in product(
        ((1,), (1, 1), (3, 0, 2), (0, 0, 1), (2, -1, 4), (-1, 5), (1, 2, 3, 4), (7, 7)),
        (1, 2, 5),
        ("none", "first", "last", "row", "column", "all but one"),
        ("cells", "packed", "lists", "arrow"),
    ):
        yield f"lengths {lengths}, width {width}, NaN {pattern}, {form}", (lengths, width, pattern, form)


def edges(lengths, width, pattern, form):
    rng = np.random.default_rng(0)
    cells = [None if n < 0 else rng.normal(size=(n, width)) for n in lengths]
    for cell in cells:
        if cell is not None and cell.size:
            where = {"first": (0, 0), "last": (-1, -1), "row": (0,), "column": (slice(None), 0)}
            if pattern in where:
                cell[where[pattern]] = NAN
            elif pattern == "all but one":
                cell.ravel()[1:] = NAN
    X = {
        "cells": lambda: SequenceArray.from_sequences(cells, "float64", width),
        "packed": lambda: SequenceArray.from_packed(
            np.concatenate([c for c in cells if c is not None]), list(lengths)
        ),
        "lists": lambda: SequenceArray.from_sequences(
            [None if c is None else c.tolist() for c in cells], "float64", width
        ),
        "arrow": lambda: (
            pd.Series(SequenceArray.from_sequences(cells, "float64", width))
            .to_frame("a")
            .pipe(_through_parquet)["a"]
            .array
        ),
    }[form]()
    turned = X[::-1][::-1].copy()
    for row, (cell, got) in enumerate(zip(cells, turned)):
        if (cell is None) != (got is pd.NA):
            return f"row {row} is {got}"
        if cell is not None and not np.array_equal(cell, got.frames, equal_nan=True):
            return f"row {row} has other numbers"
    return None


def _through_parquet(table):
    save_table(table, Path("t.parquet"))
    return pd.read_parquet("t.parquet")


def indexes():
    labels = {
        "unnamed": list("uvw"),
        "named": pd.Index(list("uvw"), name="clip"),
        "integers": [5, 3, 9],
        "repeated": list("uuv"),
        "dates": pd.date_range("2020-02-28", periods=3, tz="Asia/Tokyo"),
        "durations": pd.to_timedelta([3, 1, 2], unit="s"),
        "missing": [1.0, NAN, 2.0],
        "mixed": ["a", 1, 2.5],
        "tuples": pd.Index([(1, 2), (3, 4), (5, 6)], tupleize_cols=False),
        "periods": pd.period_range("2020-01", periods=3, freq="M"),
        "intervals": pd.interval_range(0, 3),
        "categories": pd.CategoricalIndex(list("bab")),
        "two levels": pd.MultiIndex.from_arrays([list("aab"), [1, 2, 1]]),
        "three levels": pd.MultiIndex.from_arrays(
            [list("aab"), [1, 2, 1], [0.5, 1.5, NAN]], names=["x", None, 3]
        ),
        "called recording": pd.Index(list("uvw"), name="recording"),
        "called like the target": pd.Index(list("uvw"), name="mood"),
        "called step": pd.Index(list("uvw"), name="step"),
        "called like metadata": pd.Index(list("uvw"), name="subject"),
        "words for missing": ["NA", "nan", "null"],
        "no Unicode": pd.Index(["caf\udce9", "b", "c"], dtype=object),
        "escapes": ["\x1b[31m", "a\nb", "c\td"],
        "empty": ["", " ", "x"],
        "large": [2**63 - 1, -(2**63), 0],
        "unsigned": np.array([2**64 - 1, 0, 1], dtype="u8"),
    }
    for (name, own), suffix, kind in product(
        labels.items(), (".parquet", ".feather", ".csv"), ("frame", "clip")
    ):
        yield f"{name}, {suffix} per {kind}", (own, suffix, kind)


def index(labels, suffix, kind):
    column = as_sequences({"mood": [[0.5], [1.0, 2.0], [3.0]]}, dtype="float64")["mood"].array
    mood = column if kind == "frame" else [0.5, 1.0, 3.0]
    own = labels if isinstance(labels, pd.Index) else pd.Index(labels)
    table = pd.DataFrame({"subject": list("sts"), "mood": mood}, index=own)
    path = Path(f"p{suffix}")
    check_rows(table[["subject"]], ["mood"], path)
    save_table(table, path)
    if suffix != ".csv":
        again = {".parquet": pd.read_parquet, ".feather": pd.read_feather}[suffix](path)
        return None if again.index.equals(own) else f"the index is {again.index[:3].tolist()}"
    again = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
    picked = [0, 1, 1, 2] if kind == "frame" else [0, 1, 2]
    wanted = pd.read_csv(
        _text(own.to_frame(index=False, name=range(own.nlevels) if own.nlevels > 1 else 0).iloc[picked]),
        dtype=str,
        keep_default_na=False,
        na_filter=False,
    )
    found = again.iloc[:, : own.nlevels].to_numpy().tolist()
    return None if found == wanted.iloc[:, :-1].to_numpy().tolist() else f"the labels are {found[:3]}"


def _text(table):
    table.assign(more=0).to_csv("wanted.csv", index=False)  # lines of one empty cell are passed over
    return "wanted.csv"


def scales():
    metrics = {
        "ccc": ccc_score,
        "pcc": pcc_score,
        "rmse": root_mean_squared_error,
        "mae": mean_absolute_error,
    }
    for (name, metric), size, offset in product(metrics.items(), SIZES, (0.0, 1e6)):
        yield f"{name} at {size:g}, offset {offset:g}", (metric, size, offset)


def scores(metric, size, offset):
    rng = np.random.default_rng(0)
    true = rng.normal(size=50) + offset
    pred = true + 0.3 * rng.normal(size=50)
    error = metric in (root_mean_squared_error, mean_absolute_error)
    got, wanted = metric(true * size, pred * size), metric(true, pred)
    return differ(np.array([got / size if error else got]), [wanted], 1e-7 if size > 1e-300 else 1e-4)


def estimators():
    return list(av.all_estimators().index)


def networks():
    return [name for name in estimators() if hasattr(_class(name), "partial_fit")]


def _class(name):
    return av.all_estimators().loc[name, "estimator"]


def _model(name, **options):
    cls = _class(name)
    known = cls().get_params()
    given = {"hidden_size": 8, "window": None} | SHORT | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cls("a") if name == "UnimodalRegressor" else cls()
    return model.set_params(**{key: value for key, value in given.items() if key in known})


def _data(kind):
    rng = np.random.default_rng(0)
    parts = {"a": rng.normal(size=(8, 6, 3)), "b": rng.normal(size=(8, 6, 2))}
    y = parts["a"][:, :, 0] + 0.1 * rng.normal(size=(8, 6))
    return parts, (list(y) if kind == "frame" else y.mean(axis=1))


def _fitted(name, parts, y, **options):
    X = as_sequences(parts, dtype="float64")
    got = _model(name, **options).fit(X, y).predict(X)
    return np.concatenate([np.ravel(row) for row in got])


def sizes(name, kind, size, what):
    parts, y = _data(kind)
    ordinary = _fitted(name, parts, y)
    if what == "labels":
        y = [row * size for row in y] if kind == "frame" else y * size
        got = _fitted(name, parts, y) / size
    else:
        got = _fitted(name, {key: part * size for key, part in parts.items()}, y)
    if not np.isfinite(got).all():
        return "predictions are NaN or infinite"
    if what == "features" and name in ("FrameRegressor", "RescaledRegressor"):
        return None  # a penalty on weights knows the size of features
    off = np.abs(got - ordinary).max() / max(ordinary.std(), 1e-3)
    return None if off < 0.05 else f"predictions are off by {off:.2g} of their deviation"


def learning_rate(name, options, lr):
    parts, y = _data("frame")
    got = _fitted(name, parts, y, lr=lr, **options)
    return None if np.isfinite(got).all() else "predictions are NaN or infinite"


class LostLater(torch.nn.Module):
    """A loss that is NaN from some step of training on."""

    def __init__(self, at):
        super().__init__()
        self.at, self.steps = at, 0

    def forward(self, prediction, target):
        """Return the squared error, or NaN."""
        self.steps += prediction.requires_grad
        return ((prediction - target) ** 2).mean() * (NAN if self.steps > self.at else 1.0)


def loss(name, at, early):
    parts, y = _data("frame")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        options = {"batch_size": 2, "max_epochs": 4, "early_stopping": early}
        got = _fitted(name, parts, y, loss=LostLater(at), **options)
    if not np.isfinite(got).all():
        return "predictions are NaN or infinite"
    if not any("The loss turned nan" in str(one.message) for one in told):
        return "no warning of the loss"
    return None
