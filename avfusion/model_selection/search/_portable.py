"""Representations, copies and files of searches, without passwords and open connections."""

import json
from pathlib import Path

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from avfusion._atomic import atomic_write
from avfusion._sklearn_compat import _clone_parametrized
from avfusion.model_selection.records._provenance import write_recipe
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

    def save(self, folder):
        """Write the trials and the record of the search; files appear only when they are complete.

        ``trials.csv`` (`cv_results_`), ``settings.json`` (`record_`) and ``recipe.joblib``, which
        `avfusion.model_selection.rerun` reads; a warning is issued instead if something in it cannot be
        pickled, such as a lambda. The fitted model itself is written by `avfusion.persistence.save`.

        Parameters
        ----------
        folder : str or Path
            Created if it does not exist; files of these names are replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OSError
            If the folder cannot be made or written to.
        """
        check_is_fitted(self, "record_")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / "trials.csv") as path:
            pd.DataFrame(self.cv_results_).drop(columns="params").to_csv(path, index_label="trial")
        with atomic_write(folder / "settings.json") as path:
            path.write_text(json.dumps(self.record_, indent=2) + "\n", encoding="utf-8")
        write_recipe(self._recipe, folder)
        return folder
