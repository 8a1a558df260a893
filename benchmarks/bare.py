"""Training loops without the package's estimators: what `overhead` and `scaling` measure them against."""

from functools import partial

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import GradientNormClipping
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import Dataset

from avfusion import RecursiveJointAttentionRegressor
from avfusion.networks import (
    AttentionStack,
    EncodedFusion,
    FrameHead,
    FusionModel,
    InputNorm,
    JointAttention,
    ccc_mse_loss,
)
from avfusion.networks._layers import BidirectionalLSTM


def default_model(widths, hidden_size=32):
    """Return the model that `RecursiveJointAttentionRegressor` trains by default."""
    noise = RecursiveJointAttentionRegressor().input_noise
    norms = {name: InputNorm(width, noise=noise) for name, width in widths.items()}
    step = partial(JointAttention, dropout=0.5)
    body = EncodedFusion(widths, partial(AttentionStack, step=step), hidden_size)
    return FusionModel(norms, body, FrameHead(hidden_size, n_targets=1))


def padded_batches(X, y, batch_size):
    """Return the whole data as batches ``(streams, masks, labels)`` of rows of one length."""
    batches = []
    for begin in range(0, len(X), batch_size):
        rows = slice(begin, begin + batch_size)
        streams = {
            name: torch.from_numpy(np.stack([np.asarray(x) for x in X[name].array[rows]])) for name in X
        }
        labels = torch.from_numpy(np.stack(y[rows]).astype(np.float32)).unsqueeze(-1)
        masks = dict.fromkeys(streams, torch.ones(labels.shape[:2], dtype=torch.bool))
        batches.append((streams, masks, labels))
    return batches


def labelled_loss(prediction, target):
    """Return the default loss over the steps that have a label."""
    prediction, target = prediction.reshape(-1, 1), target.reshape(-1, 1)
    return ccc_mse_loss(prediction, target, ~target.isnan())


def train(model, batches, epochs, settings):
    """Train as `fit` does by default: AdamW, warm-up and cosine, clipping, moving average of the weights."""
    optimizer = torch.optim.AdamW(model.parameters(), settings.lr, weight_decay=settings.weight_decay)
    n_steps = epochs * len(batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / 10) * 0.5 * (1 + np.cos(np.pi * min(1.0, step / n_steps))),
    )
    parameters = list(model.parameters())
    average = [parameter.detach().clone() for parameter in parameters]
    model.train()
    for _ in range(epochs):
        for streams, masks, labels in batches:
            optimizer.zero_grad()
            loss = labelled_loss(model(streams, masks), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
            optimizer.step()
            schedule.step()
            weight = 1 - settings.weight_average
            torch._foreach_lerp_(average, [parameter.detach() for parameter in parameters], weight)
            loss.item()  # everybody looks at the loss


class PackedLSTM(nn.Module):
    """Bidirectional LSTM as one writes it with packed sequences; equal to `BidirectionalLSTM`."""

    def __init__(self, input_size, output_size):
        super().__init__()
        self.lstm = nn.LSTM(input_size, output_size // 2, batch_first=True, bidirectional=True)

    def forward(self, x, mask):
        """(B, T, input_size), (B, T) -> (B, T, output_size)."""
        packed = pack_padded_sequence(x, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]


def packed_model(widths):
    """Return the default model with packed LSTMs in the place of the package's own."""
    model = default_model(widths)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, BidirectionalLSTM):
                setattr(module, name, PackedLSTM(child.input_size, child.output_size))
    return model


class Recordings(Dataset):
    """One row of X and y at a time."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, row):
        """Return the streams and the labels of a row as tensors."""
        streams = {name: torch.tensor(np.asarray(self.X[name].array[row])) for name in self.X}
        return streams, torch.tensor(self.y[row], dtype=torch.float32).unsqueeze(-1)


def collate(rows):
    """Pad rows to the longest of them."""
    streams = {name: pad_sequence([row[0][name] for row in rows], batch_first=True) for name in rows[0][0]}
    labels = pad_sequence([row[1] for row in rows], batch_first=True, padding_value=torch.nan)
    return {"streams": streams, "masks": dict.fromkeys(streams, ~labels.isnan().squeeze(-1))}, labels


class Loss(nn.Module):
    """The default loss as a module, which skorch asks for."""

    def forward(self, prediction, target):
        """Return the loss of padded batches."""
        return labelled_loss(prediction, target)


def packed_net(widths, settings, epochs):
    """Return a skorch net that trains the packed model from a per-sample data loader."""
    return NeuralNet(
        packed_model(widths),
        criterion=Loss,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=settings.weight_decay,
        lr=settings.lr,
        batch_size=settings.batch_size,
        max_epochs=epochs,
        iterator_train__collate_fn=collate,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[("clip", GradientNormClipping(settings.gradient_clip))],
        verbose=0,
    )
