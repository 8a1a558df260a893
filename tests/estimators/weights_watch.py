"""A callback that remembers weights, for tests of training."""

import torch
from skorch.callbacks import Callback


class Watch(Callback):
    """Remember the weights as they are at the end of every batch and epoch, and the epochs' records."""

    def __init__(self, log):
        self.log = log

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.log.append(("batch", weights(net)))

    def on_epoch_end(self, net, **kwargs):
        self.log.append(("epoch", weights(net)))

    def on_train_end(self, net, **kwargs):
        self.log.append(("end", weights(net)))


def weights(net):
    return torch.cat([p.detach().flatten().clone() for p in net.module_.parameters()])
