"""Fusion cores row by row and step by step in NumPy, written from the equations of the publications."""

from functools import reduce
from math import erf

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


def layer_norm(x, w, prefix):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * w[f"{prefix}.weight"] + w[f"{prefix}.bias"]


def linear(x, w, prefix):
    return x @ w[f"{prefix}.weight"].T + w[f"{prefix}.bias"]


def transformer_layer(x, w, prefix, n_heads):
    """(S, h) -> (S, h): self-attention and two maps with GELU, each after a LayerNorm."""
    normed = layer_norm(x, w, f"{prefix}.norm")
    query = linear(normed, w, f"{prefix}.query")
    key, value = np.split(linear(normed, w, f"{prefix}.key_value"), 2, axis=-1)
    attended = []
    for q, k, v in zip(*(np.split(t, n_heads, axis=-1) for t in (query, key, value))):
        scores = np.exp(q @ k.T / np.sqrt(q.shape[-1]))
        attended.append(scores / scores.sum(1, keepdims=True) @ v)
    x = x + linear(np.hstack(attended), w, f"{prefix}.update")
    hidden = linear(layer_norm(x, w, f"{prefix}.inner_norm"), w, f"{prefix}.inner")
    gelu = hidden * 0.5 * (1 + np.vectorize(erf)(hidden / np.sqrt(2)))
    return x + linear(gelu, w, f"{prefix}.outer")


def bottleneck_transformer(xs, w, n_layers, fusion_layer, n_heads):
    """One row: M of (T, h) -> (T, M h)."""
    steps, h = xs[0].shape
    position = np.zeros((steps, h))
    for t in range(steps):
        for i in range(h // 2):
            rate = 10000.0 ** (-i / (h // 2))
            position[t, i], position[t, h // 2 + i] = np.sin(t * rate), np.cos(t * rate)
    xs, tokens = [x + position for x in xs], w["bottlenecks"]
    for depth in range(n_layers):
        if depth < fusion_layer:
            xs = [transformer_layer(x, w, f"layers.{depth}.{m}", n_heads) for m, x in enumerate(xs)]
            continue
        joined = [
            transformer_layer(np.vstack([tokens, x]), w, f"layers.{depth}.{m}", n_heads)
            for m, x in enumerate(xs)
        ]
        tokens = np.mean([x[: len(tokens)] for x in joined], axis=0)
        xs = [x[len(tokens) :] for x in joined]
    return np.hstack([layer_norm(x, w, f"norms.{m}") for m, x in enumerate(xs)])
