"""The matrix products that a training step consists of, and how long they take by themselves.

A product is a tuple (batch, rows, inner, columns). Those inside LSTMs and attention are written out as the
mathematics has them: an LSTM is one product for all inputs and one per step for the state; its backward pass
has two for each, of which those for the weights can be made at once for all steps.
"""

import statistics
import time
from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Products(TorchDispatchMode):
    """Count the matrix products of what runs inside.

    Attributes
    ----------
    counts : Counter of (kind, (batch, rows, inner, columns))
        Kind is "linear", "lstm" or "attention".
    """

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Count, and run as usual."""
        name = function.overloadpacket.__name__
        if name in ("mm", "bmm"):
            self._add("linear", args[0].shape, args[1].shape)
        elif name == "addmm":
            self._add("linear", args[1].shape, args[2].shape)
        elif name == "mkldnn_rnn_layer":
            self._add_lstm(*args[0].shape, args[2].shape[1], backward=False)
        elif name == "mkldnn_rnn_layer_backward":
            self._add_lstm(*args[0].shape, args[2].shape[1], backward=True)
        elif "scaled_dot_product" in name:
            query, key = (args[1], args[2]) if "backward" in name else args[:2]
            self._add_attention(query.shape, key.shape[-2], 2 if "backward" in name else 1)
        return function(*args, **(kwargs or {}))

    def _add(self, kind, left, right, times=1):
        batch = left[0] if len(left) == 3 else 1
        self.counts[kind, (batch, left[-2], left[-1], right[-1])] += times

    def _add_lstm(self, steps, rows, inputs, hidden, backward):
        gates, frames = 4 * hidden, steps * rows
        if backward:
            self._add("lstm", (frames, gates), (gates, inputs))  # of the inputs
            self._add("lstm", (gates, frames), (frames, inputs))  # of the input weights
            self._add("lstm", (gates, frames), (frames, hidden))  # of the state weights
            self._add("lstm", (rows, gates), (gates, hidden), times=steps)
        else:
            self._add("lstm", (frames, inputs), (inputs, gates))
            self._add("lstm", (rows, hidden), (hidden, gates), times=steps)

    def _add_attention(self, shape, sources, times):
        batch, targets, width = shape[:-2].numel(), shape[-2], shape[-1]
        for left, right in [((targets, width), sources), ((targets, sources), width)]:
            self._add("attention", (batch, *left), (right,), times)


def seconds(product):
    """Time a product by itself, into memory that exists, on one thread or on all: the faster."""
    n_threads = torch.get_num_threads()
    try:
        return min(seconds_on(threads, product) for threads in sorted({1, n_threads}))
    finally:
        torch.set_num_threads(n_threads)


def seconds_on(n_threads, product):
    """Time a product by itself on some threads; the median of five measurements."""
    torch.set_num_threads(n_threads)
    batch, rows, inner, columns = product
    left, right = torch.randn(batch, rows, inner), torch.randn(batch, inner, columns)
    out = torch.empty(batch, rows, columns)
    multiply = torch.bmm if batch > 1 else torch.mm
    if batch == 1:
        left, right, out = left[0], right[0], out[0]

    def per_call(calls):
        begin = time.perf_counter()
        for _ in range(calls):
            multiply(left, right, out=out)
        return (time.perf_counter() - begin) / calls

    calls = max(1, min(2000, int(0.01 / per_call(3))))
    return statistics.median(per_call(calls) for _ in range(5))


def flops(product):
    """Return the number of additions and multiplications of a product."""
    batch, rows, inner, columns = product
    return 2 * batch * rows * inner * columns
