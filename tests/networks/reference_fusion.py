"""Fusion cores row by row and step by step in NumPy, written from the equations of the publications."""

from functools import reduce

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gated_multimodal_unit(xs, w):
    """One step: M of (h,) -> (h,)."""
    joined = np.concatenate(xs)
    values = [np.tanh(w[f"value.{m}.weight"] @ x) for m, x in enumerate(xs)]
    z = sigmoid(w["gate.weight"] @ joined)
    if len(xs) == 2:
        return z * values[0] + (1 - z) * values[1]
    h = len(values[0])
    return sum(z[m * h : (m + 1) * h] * value for m, value in enumerate(values))


def tensor_fusion(xs, w):
    """One step: M of (h,) -> (h,)."""
    zs = [w[f"reduce.{m}.weight"] @ x + w[f"reduce.{m}.bias"] for m, x in enumerate(xs)]
    outer = reduce(np.multiply.outer, [np.concatenate([[1.0], z]) for z in zs])
    return w["combine.weight"] @ outer.ravel() + w["combine.bias"]


def low_rank_fusion(xs, w):
    """One step: M of (h,) -> (h,)."""
    h = len(xs[0])
    f = w["bias"].copy()
    for r, weight in enumerate(w["weight"]):
        rows = slice(r * h, (r + 1) * h)
        maps = [w[f"factors.{m}.weight"][rows] @ x + w[f"factors.{m}.bias"][rows] for m, x in enumerate(xs)]
        f += weight * np.prod(maps, axis=0)
    return f
