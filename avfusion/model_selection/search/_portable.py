"""Representations, copies and files of searches, without passwords and open connections."""

from avfusion._sklearn_compat import _clone_parametrized
from avfusion.model_selection.records._urls import Url
from avfusion.model_selection.search._storage import reopenable


class PortableMixin:
    """Searches that hold no password and no open file where they are shown, copied or saved.

    Examples
    --------
    >>> import avfusion as av
    >>> av.FusionSearchCV(storage="postgresql://ann:secret@host/studies")
    FusionSearchCV(storage='postgresql://ann:***@host/studies')
    """

    def get_params(self, deep=True) -> dict:
        """Return the parameters; the URL of a storage has its password, but does not show it.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return those of the estimator too.

        Returns
        -------
        dict
            Name to value.
        """
        params = super().get_params(deep=deep)
        if type(self.storage) is str:
            params["storage"] = Url(self.storage)
        return params

    def __sklearn_clone__(self):
        """Share the callbacks with the clone: trackers hold connections, which cannot be copied."""
        callbacks, self.callbacks = self.callbacks, None
        try:
            again = _clone_parametrized(self)
        finally:
            self.callbacks = callbacks
        again.callbacks = callbacks
        return again

    def __getstate__(self):
        """Leave out, once fitted, what belongs to the run: passwords, storages and callbacks."""
        state = dict(super().__getstate__())
        if "record_" in state:
            state |= {"storage": reopenable(self.storage), "callbacks": None}
        return state
