"""Representations, copies and files of searches, without passwords and open connections."""

import json
from pathlib import Path

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from avfusion._atomic import write_or_keep
from avfusion._sklearn_compat import _clone_parametrized
from avfusion.model_selection.records._provenance import write_recipe
from avfusion.model_selection.records._result_folder import SEARCH, result_folder
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
        """Write trials and record to a folder, which appears, or is replaced, in one step.

        ``trials.csv`` (`cv_results_`), ``settings.json`` (`record_`), ``sha256sums.txt`` and
        ``recipe.joblib``, which `avfusion.model_selection.rerun` reads; a warning is issued instead if
        something in it cannot be pickled, such as a lambda. The fitted model itself is written by
        `avfusion.persistence.save`.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist. An older search in it is replaced; what else lies in it stays.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OSError
            If the folder cannot be made or written to, or holds files of such names that are no search.
            The result is then written to another place, which the message names.
        """
        check_is_fitted(self, "record_")
        return write_or_keep(self._write, folder)

    def _write(self, folder):
        with result_folder(folder, SEARCH) as part:
            trials = pd.DataFrame(self.cv_results_).drop(columns="params")
            trials.to_csv(part / "trials.csv", index_label="trial")
            text = json.dumps(self.record_, indent=2) + "\n"
            (part / "settings.json").write_text(text, encoding="utf-8")
            write_recipe(self._recipe, part)
        return Path(folder)
