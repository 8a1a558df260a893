"""The networks once more: NumPy, one row at a time, loops over steps, written from the equations."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm(x, w_ih, w_hh, bias, h=None, c=None):
    """One direction; gates in the order input, forget, cell, output."""
    hidden = w_hh.shape[1]
    h, c = (np.zeros(hidden) if start is None else start for start in (h, c))
    outputs = []
    for step in x:
        i, f, g, o = np.split(w_ih @ step + w_hh @ h + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def blstm(x, weights, prefix):
    ahead, back = (
        [weights[f"{prefix}.{half}.weight_{kind}_l0"] for kind in ("ih", "hh")]
        for half in ("forwards", "backwards")
    )
    biases = [
        weights[f"{prefix}.{half}.bias_ih_l0"] + weights[f"{prefix}.{half}.bias_hh_l0"]
        for half in ("forwards", "backwards")
    ]
    return np.hstack([lstm(x, *ahead, biases[0]), lstm(x[::-1], *back, biases[1])[::-1]])


def sequence_layer(x, weights, prefix):
    x = x @ weights[f"{prefix}.linear.weight"].T + weights[f"{prefix}.linear.bias"]
    recurrent = f"{prefix}.lstm.forwards.weight_ih_l0" in weights
    return x + blstm(x, weights, f"{prefix}.lstm") if recurrent else x


def layer_norm(x, weights, prefix):
    centred = x - x.mean(1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
    return scaled * weights[f"{prefix}.weight"] + weights[f"{prefix}.bias"]


def fill_absent(x, vector):
    return np.where(np.isnan(x), vector, x)


def recursive_joint_attention(streams, weights, n_recursions, attention):
    """`streams`: list of (T, D_m), one row without padding."""
    xs = []
    for m, x in enumerate(streams):
        x = fill_absent(x, weights[f"encoders.{m}.absence.vector"])
        x = sequence_layer(x, weights, f"encoders.{m}.sequence")
        xs.append(layer_norm(x, weights, f"encoders.{m}.norm"))
    for step in range(n_recursions):
        joint, updated = np.hstack(xs), []
        for m, x in enumerate(xs):
            w_j = weights[f"core.steps.{step}.correlate.{m}.weight"]  # (h, M h)
            w_c = weights[f"core.steps.{step}.value.{m}.weight"].T
            w_h = weights[f"core.steps.{step}.update.{m}.weight"].T
            scores = x @ w_j @ joint.T / np.sqrt(joint.shape[1])  # (T source, T target)
            c = {"tanh": np.tanh(scores) / len(x), "softmax": np.exp(scores) / np.exp(scores).sum(0)}[
                attention
            ]
            h = np.maximum(c.T @ x @ w_c, 0)
            updated.append(x + h @ w_h)
        xs = updated
    return sequence_layer(np.hstack(xs), weights, "joint")


def concatenation(streams, weights):
    filled = [fill_absent(x, weights[f"absences.{m}.vector"]) for m, x in enumerate(streams)]
    x = layer_norm(sequence_layer(np.hstack(filled), weights, "sequence"), weights, "norm")
    return sequence_layer(x, weights, "joint")


def numpy_weights(module):
    return {name: tensor.double().numpy() for name, tensor in module.state_dict().items()}
