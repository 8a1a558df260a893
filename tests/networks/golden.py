"""Numbers computed with published code, in float64, and the weights and inputs that they belong to.

Weights and inputs are made again from their names: normal numbers of a generator seeded by the name's CRC.
Large tensors are held by norms, corners and products with probe vectors.
"""

import math
import zlib
from pathlib import Path

import numpy as np
import torch


def recipe(name, shape, scale=1.0):
    """Float32 numbers that depend on the name alone, as float64."""
    normal = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    return torch.tensor((normal.astype(np.float32) * np.float32(scale)).astype(np.float64))


class Golden:
    """The numbers of one variant of one published module."""

    def __init__(self, module, variant="", hot=("", 1.0)):
        numbers = np.load(Path(__file__).parent / "golden" / f"{module}.npz")
        prefix = variant and f"{variant}."
        self.numbers = {k.removeprefix(prefix): numbers[k] for k in numbers.files if k.startswith(prefix)}
        self.names = self.numbers["param_names"].tolist()
        shapes = [tuple(map(int, text.split(","))) for text in self.numbers["param_shapes"].tolist()]
        self.weights = {name: self._weight(name, shape, *hot) for name, shape in zip(self.names, shapes)}
        for name, total, first in zip(self.names, self.numbers["param_sum"], self.numbers["param_first"]):
            weight = self.weights[name]
            assert abs(weight.sum().item() - total) < 1e-9 * max(1, abs(total)), name
            assert weight.flatten()[0].item() == first, name

    @staticmethod
    def _weight(name, shape, prefix, gain):
        if name.endswith("running_var"):
            return (np.float32(0.5) + recipe(name, shape, 0.1).abs().float()).double()
        gain = gain if name.startswith(prefix) else 1.0
        return recipe(name, shape, gain / math.sqrt(shape[-1]) if len(shape) > 1 else 0.1)

    def input(self, name, shape):
        return recipe(f"input.{name}", shape).requires_grad_()

    def check_output(self, name, value):
        np.testing.assert_allclose(value.detach(), self.numbers[name], rtol=0, atol=1e-10)

    def check_intermediates(self, found, rtol=1e-9):
        """`found`: all that were stored, by name, and nothing else."""
        stored = {"mid." + k for k in found}
        names = [k for k in self.numbers if k.startswith("mid.")]
        assert all(any(k == s or k.startswith(s + ".") for s in stored) for k in names)
        for name, value in found.items():
            value = value.detach()
            for kind, figure in self._figures(name, value).items():
                key = f"mid.{name}{kind}"
                if key in self.numbers:
                    assert self.numbers[key].shape == tuple(figure.shape), key
                    np.testing.assert_allclose(figure, self.numbers[key], rtol=rtol, atol=rtol, err_msg=key)
            assert any(k.startswith(f"mid.{name}") for k in self.numbers), name

    def _figures(self, name, t):
        last = t @ recipe(f"probe.{t.shape[-1]}", t.shape[-1:])
        if f"mid.{name}.corner" not in self.numbers:
            return {"": t, ".head8": t[..., :8], ".norm": t.norm(dim=-1), ".probe": last}
        both = last @ recipe(f"probe.{t.shape[1]}", t.shape[1:2])
        std = t.flatten(1).std(1, correction=0)
        return {".mean": t.mean((1, 2)), ".std": std, ".corner": t[:, :4, :4], ".probe": both}

    def check_gradients(self, gradients, prefix="", rtol=1e-9):
        """`gradients`: by the published names; None where there is none."""
        assert set(gradients) == set(self.names)
        numbers = {k: self.numbers[f"{prefix}grad_{k}"] for k in ("has", "norm", "probe")}
        for i, name in enumerate(self.names):
            gradient = gradients[name]
            if not numbers["has"][i]:
                assert gradient is None or (gradient == 0).all(), name
                continue
            probe = (gradient * recipe(f"gradprobe.{name}", gradient.shape)).sum().item()
            self._close(name, gradient.norm().item(), probe, numbers["norm"][i], numbers["probe"][i], rtol)

    def check_input_gradients(self, gradients, prefix="", rtol=1e-9):
        for name, gradient in gradients.items():
            probe = (gradient * recipe(f"gradprobe.input.{name}", gradient.shape)).sum().item()
            norm, expected = (
                self.numbers[f"{prefix}grad_input.{name}.{kind}"].item() for kind in ("norm", "probe")
            )
            self._close(name, gradient.norm().item(), probe, norm, expected, rtol)

    @staticmethod
    def _close(name, norm, probe, expected_norm, expected_probe, rtol):
        assert abs(norm - expected_norm) <= rtol * expected_norm, name
        assert abs(probe - expected_probe) <= rtol * expected_norm, name


def loss(outputs):
    """Sum of the outputs, by name, times their cotangents."""
    return sum((value * recipe(f"cotangent.{name}", value.shape)).sum() for name, value in outputs.items())
