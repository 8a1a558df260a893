"""Parts of published networks that no estimator has: only their golden numbers need them."""

import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from avfusion.networks import AttentionStack, EncodedFusion, JointAttention, MaskedBatchNorm
from avfusion.networks._masking import existing_steps, zero_padding
from avfusion.released._feature_attention import (
    FeatureJointAttention,
    InBlocks,
    TimeMap,
    feature_correlation,
    linear,
)


def recursive_joint_attention(
    widths, hidden_size=32, n_recursions=1, attention="softmax", intra_lstm=True, joint_lstm=True, dropout=0.5
):
    """The network of `RecursiveJointAttentionRegressor`."""
    step = partial(JointAttention, attention=attention, dropout=dropout)
    core = partial(AttentionStack, step=step, n_recursions=n_recursions)
    return EncodedFusion(widths, core, hidden_size, intra_lstm, joint_lstm, dropout)


class UnprojectedJointAttention(FeatureJointAttention):
    """Of arXiv 2403.13659: joint features are correlated as they are, Q = J."""

    def __init__(self, n_modalities, hidden_size, n_steps):
        super().__init__(n_modalities, hidden_size, n_steps)
        self.query = nn.Identity()


class FeatureJointCrossAttention(InBlocks):
    """Joint cross-attention between features, arXiv 2203.14779; for M streams::

    C_m = tanh(X_m^T A_m J / sqrt(D))                       (d_m, D)
    H_m = ReLU(C_m W_cm + X_m^T W_m)                        (d_m, k)
    X_m = X_m + (H_m W_hm)^T                                (T, d_m)"""

    def __init__(self, n_modalities, hidden_size, n_steps, n_hidden=32):
        super().__init__(n_steps)
        widths = [hidden_size] * n_modalities if isinstance(hidden_size, int) else list(hidden_size)
        joint = sum(widths)
        self.scale = 1 / math.sqrt(joint)
        self.queries = nn.ModuleList(TimeMap(n_steps, bias=False) for _ in widths)  # A_m
        self.own = nn.ModuleList(linear(n_steps, n_hidden, bias=False) for _ in widths)  # W_m^T
        self.joint = nn.ModuleList(linear(joint, n_hidden, bias=False) for _ in widths)  # W_cm^T
        self.updates = nn.ModuleList(linear(n_hidden, n_steps, bias=False) for _ in widths)  # W_hm^T

    def attend(self, streams, mask):
        """Update blocks: M of (B, T, d_m), (B, T) -> M of (B, T, d_m)."""
        features = torch.cat(streams, -1)  # (B, T, D)
        updated = []
        for x, query, own, joint, update in zip(streams, self.queries, self.own, self.joint, self.updates):
            correlation = feature_correlation(x, query(features, mask), self.scale)  # (B, d_m, D)
            h = F.relu(joint(correlation) + own(x.transpose(1, 2)))  # (B, d_m, k)
            updated.append(x + zero_padding(update(h).transpose(1, 2), mask))
        return updated


class NormalizedHead(nn.Module):
    """One prediction in -1..1 per step: linear -> batch norm -> leaky ReLU -> linear -> tanh.

    The head of recursive joint cross-modal attention (arXiv 2403.13659). Statistics of a batch are those of
    its existing steps alone.
    """

    def __init__(self, input_size, n_targets, hidden_size=256):
        super().__init__()
        self.hidden = nn.Linear(input_size, hidden_size)
        self.norm = MaskedBatchNorm(hidden_size)
        self.output = nn.Linear(hidden_size, n_targets)

    def forward(self, hidden, streams, masks):
        """Predict each step: (B, T, input_size) -> (B, T, K); `streams` are not needed."""
        normal = self.norm(self.hidden(hidden), existing_steps(masks))  # (B, T, hidden_size)
        return self.output(F.leaky_relu(normal)).tanh()
