"""scikit-learn's own callbacks in the training of networks: a task for each epoch, with its fitted estimator.

They are those of scikit-learn 1.9 and later: ``set_callbacks(ProgressBar())`` on a network, or on a Pipeline
or a search around it. The parameter ``callbacks`` takes skorch's, which know the net, not the estimator.
"""

import copy
from contextlib import contextmanager

from avfusion._sklearn_compat import callback_task, with_callbacks
from avfusion.estimators._training import StopTraining

__all__ = ["fit_tasks", "with_callbacks"]


@contextmanager
def fit_tasks(estimator, X, y):
    """Call scikit-learn's callbacks for the fit and for every epoch that is trained meanwhile.

    Parameters
    ----------
    estimator : NetworkRegressor
        Whose ``fit`` is under way; at the end it is fitted.
    X, y : as in ``fit``
    """
    members, epochs = estimator.n_members, estimator.max_epochs
    root = callback_task(estimator, X, y, max_subtasks=members if members > 1 else epochs)
    if root is None:
        yield
        return
    tasks = FitTasks(estimator, X, y, root)
    with estimator._watched(tasks):
        yield
    tasks.end()


class FitTasks:
    """Watch the networks of an estimator while they are trained.

    With several members, a task for each of them holds those of its epochs. What a callback returns at the
    end of an epoch ends the training of this network, if it is true.

    Parameters
    ----------
    estimator, X, y
        As in `fit_tasks`.
    root : CallbackContext
        Of the whole fit.
    """

    def __init__(self, estimator, X, y, root):
        self.estimator, self.data, self.root = estimator, {"X": X, "y": y}, root
        self.then = estimator._watch  # who else watches
        self.nets, self.member, self.epoch = [], root, None

    def begin(self, net):
        """Begin an epoch, and a member if the network is a new one."""
        if not self.nets or net is not self.nets[-1]:
            if self.root.max_subtasks == self.estimator.n_members > 1:
                self._end_member()
                self.member = self._begin(self.root, "member", self.estimator.max_epochs)
            self.nets.append(net)
        self.epoch = self._begin(self.member, "epoch")

    def __call__(self, net):
        """End an epoch."""
        if self.then is not None:
            self.then(net)
        if self._end(self.epoch, lambda: self._as_if_stopped(net)):
            raise StopTraining

    def end(self):
        """End the fit."""
        self._end_member()
        self._end(self.root, dict)

    def _end_member(self):
        if self.member is not self.root:
            self._end(self.member, lambda: self._as_if_stopped(self.nets[-1]))

    def _begin(self, parent, name, max_subtasks=0):
        task = parent.subcontext(task_name=name, max_subtasks=max_subtasks)
        return task.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def _end(self, task, attributes):
        return task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )

    def _as_if_stopped(self, net):
        """Return the fitted attributes of the estimator as if training had ended here.

        Whoever watches sees the averaged weights.
        """
        shown = copy.copy(net)
        shown.watch = None
        shown.module_ = copy.deepcopy(net.module_)
        nets = [*self.nets[:-1], shown]
        return {"nets_": nets, "net_": nets[0], "_watch": None}
