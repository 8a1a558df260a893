"""Cross and joint cross-attention and the gates in NumPy: one row at a time, loops over steps."""

import numpy as np

from tests.networks.reference import fill_absent, layer_norm, sequence_layer


def softmax(scores):
    return np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()


def cross_attention(xs, weights, prefix):
    """One step: each stream looks at its own steps by what each other stream does."""
    n, size = len(xs), xs[0].shape[1]
    pairs = [(a, b) for a in range(n) for b in range(n) if a < b] or [(0, 0)]
    updated = []
    for m, x in enumerate(xs):
        sums, count = np.zeros_like(x), 0
        for p, (a, b) in enumerate(pairs):
            if m not in (a, b):
                continue
            w = weights[f"{prefix}.correlate.{p}"]
            other, w = (xs[b], w) if m == a else (xs[a], w.T)
            for target in range(len(x)):
                scores = np.array([source @ w @ other[target] for source in x]) / np.sqrt(size)
                sums[target] += softmax(scores) @ x
            count += 1
        updated.append(np.tanh(x + weights[f"{prefix}.gain"] * sums / count))
    return updated


def joint_cross_attention(xs, weights, prefix, attention):
    joint, updated = np.hstack(xs), []
    for m, x in enumerate(xs):
        w_j, own, value, update = (
            weights[f"{prefix}.{name}.{m}.weight"] for name in ("correlate", "own", "value", "update")
        )
        out = []
        for target in range(len(x)):
            scores = np.array([source @ w_j @ joint[target] for source in x]) / np.sqrt(joint.shape[1])
            c = np.tanh(scores) / len(x) if attention == "tanh" else softmax(scores)
            attended = sum(c[source] * (value @ x[source]) for source in range(len(x)))
            out.append(x[target] + update @ np.maximum(own @ x[target] + attended, 0))
        updated.append(np.array(out))
    return updated


def joint_attention(xs, weights, prefix):
    """One step of recursive joint attention, with the softmax."""
    joint, updated = np.hstack(xs), []
    for m, x in enumerate(xs):
        w_j, value, update = (
            weights[f"{prefix}.{name}.{m}.weight"] for name in ("correlate", "value", "update")
        )
        out = []
        for target in range(len(x)):
            c = softmax(np.array([source @ w_j @ joint[target] for source in x]) / np.sqrt(joint.shape[1]))
            attended = sum(c[source] * (value @ x[source]) for source in range(len(x)))
            out.append(x[target] + update @ np.maximum(attended, 0))
        updated.append(np.array(out))
    return updated


def gate(query, slots, weights, prefix):
    w, b = weights[f"{prefix}.score.weight"], weights[f"{prefix}.score.bias"]
    out = []
    for t, q in enumerate(query):
        share = softmax((w @ q + b) / 0.1)
        out.append(np.maximum(sum(s * slot[t] for s, slot in zip(share, slots)), 0))
    return np.array(out)


def encoded_fusion(streams, weights, core):
    """`streams`: list of (T, D_m), one row without padding; `core`: list of (T, h) to one (T, f)."""
    xs = []
    for m, x in enumerate(streams):
        x = fill_absent(x, weights[f"encoders.{m}.absence.vector"])
        x = sequence_layer(x, weights, f"encoders.{m}.sequence")
        xs.append(layer_norm(x, weights, f"encoders.{m}.norm"))
    return sequence_layer(core(xs), weights, "joint")
