import numpy as np
import pytest
import torch


@pytest.fixture
def make_batch():
    """Build ``streams, masks`` with right padding full of rubbish, unobserved frames and an absent stream."""

    def make(widths, lengths, *, dtype=torch.float32, damaged=True, seed=0):
        rng = np.random.default_rng(seed)
        steps = max(lengths)
        mask = torch.arange(steps) < torch.tensor(lengths).unsqueeze(1)
        streams = {}
        for position, (name, width) in enumerate(widths.items()):
            x = torch.tensor(rng.standard_normal((len(lengths), steps, width)), dtype=dtype)
            if damaged:
                x[0, 1::3] = torch.nan  # frames where the detector failed
                x[-1, 0, position % width] = torch.nan  # and one where it failed in part
                if len(widths) > 1 and len(lengths) > 1:
                    x[1 + position % (len(lengths) - 1)] = torch.nan  # the whole stream
            rubbish = torch.tensor([torch.nan, torch.inf, -torch.inf, 1e30], dtype=dtype)
            x[~mask] = rubbish[torch.arange(int((~mask).sum())) % 4].unsqueeze(1)
            streams[name] = x
        return streams, dict.fromkeys(widths, mask)

    return make


@pytest.fixture
def randomise():
    """Give every trainable parameter a random value, so that zeros and ones of the start hide nothing."""

    def fill(module, seed=0):
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.requires_grad:
                    noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                    parameter.copy_(noise * 0.5)
        return module

    return fill
