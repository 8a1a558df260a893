"""Let any frame-wise scikit-learn transformer work on the frames of sequences."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from avfusion.preprocessing._base import StreamTransformer
from avfusion.sequences._convert import ONLY
from avfusion.sequences._messages import quoted
from avfusion.sequences._paging import release
from avfusion.sequences._plain_arrays import plain_array


class OnFrames(StreamTransformer):
    """Apply a scikit-learn transformer to frames: fitted on those of all rows together, per column.

    Each column gets a clone of the transformer, fitted on its concatenated frames. The number of features
    may change (``OnFrames(PCA(10))``); the number of frames may not, so transformers that look at time are
    out of place here, see `AddContext`. The result keeps the floating dtype of the column.

    A frame that was not observed, all NaN, is left out of the fit, never reaches the transformer, and comes
    out all NaN. A frame with some NaN goes to the transformer, which treats it as it does: `StandardScaler`
    leaves NaN where they are, `SimpleImputer` fills them, `PCA` refuses them. Missing streams stay missing.

    Parameters
    ----------
    transformer : scikit-learn transformer or dict of str to transformer, optional
        One for all columns, or one for each column that is to be transformed; columns that are not in the
        dict stay as they are. By default `StandardScaler`. Nested parameters are set in the usual way:
        ``transformer__n_components``, or ``transformer__video__n_components`` in a dict.

    Attributes
    ----------
    transformers_ : dict of str to transformer
        The fitted clones.
    modalities_ : dict of str to int
        Width and rate of each column of `fit`.

    Raises
    ------
    ValueError
        If the dict names a column that `X` lacks, or a column has no observed frame to fit on.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from avfusion.sequences import as_sequences
    >>> from avfusion.preprocessing import OnFrames
    >>> rng = np.random.default_rng(0)
    >>> X = as_sequences({"audio": [rng.normal(size=(4, 2)), rng.normal(size=(9, 2))],
    ...                   "video": [rng.normal(size=(3, 8)), None]})
    >>> OnFrames({"video": PCA(2)}).fit_transform(X).dtypes
    audio    sequence[float32, 2]
    video    sequence[float32, 2]
    dtype: object
    """

    def __init__(self, transformer=None):
        self.transformer = transformer

    def get_params(self, deep=True):
        """Get the parameters, with ``transformer__<column>`` for each transformer in a dict.

        Parameters
        ----------
        deep : bool, default=True
            Include the parameters of the transformers.

        Returns
        -------
        dict
            Values by name.
        """
        params = super().get_params(deep=deep)
        if deep and isinstance(self.transformer, dict):
            for column, transformer in self.transformer.items():
                params[f"transformer__{column}"] = transformer
                for name, value in transformer.get_params().items():
                    params[f"transformer__{column}__{name}"] = value
        return params

    def set_params(self, **params):
        """Set parameters, of the transformers too.

        Parameters
        ----------
        **params : dict
            As in `get_params`.

        Returns
        -------
        OnFrames
            The transformer itself.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        if "transformer" in params:
            super().set_params(transformer=params.pop("transformer"))
        if isinstance(self.transformer, dict):
            for key in [key for key in params if key.startswith("transformer__")]:
                self._set_in_dict(key, params.pop(key))
        return super().set_params(**params)

    def _set_in_dict(self, key, value):
        if key not in self.get_params():
            known = quoted(sorted(self.get_params()), limit=20)
            raise ValueError(f"OnFrames has no parameter {key!r}. Choose from {known}.")
        path = key.removeprefix("transformer__")
        # The longest name of a column that fits, should one hold "__" itself.
        column = max((name for name in self.transformer if f"{path}__".startswith(f"{name}__")), key=len)
        if path == column:
            self.transformer = {**self.transformer, column: value}
        else:
            self.transformer[column].set_params(**{path.removeprefix(f"{column}__"): value})

    def _learn(self, data):
        fitted, widths = {}, {}
        for name, transformer in self._choose(data).items():
            frames = data.open(name).pack().frames
            observed = _observed(frames)
            if not observed.any():
                raise ValueError(
                    f"Column {name!r} has no observed frame to fit on. Drop it, or leave it out of the dict."
                )
            seen = frames if observed.all() else frames[observed]
            fitted[name] = clone(transformer).fit(seen)
            widths[name] = _apply(fitted[name], seen[:1]).shape[1]
            release(frames, 0, len(frames))
        self.transformers_, self._widths = fitted, widths

    def _choose(self, data):
        transformer = StandardScaler() if self.transformer is None else self.transformer
        if not isinstance(transformer, dict):
            return dict.fromkeys(data.columns, transformer)
        if data.is_table:
            raise ValueError(
                "A 2-D array has no sequence columns to choose from. "
                "Give OnFrames one transformer, not a dict."
            )
        unknown = [name for name in transformer if name not in data.columns]
        if unknown:
            raise ValueError(
                f"transformer names columns that X does not have: {quoted(unknown)}. "
                f"The sequence columns of X are {quoted(data.columns)}."
            )
        return transformer

    def _change(self, data):
        changed = {}
        for name, transformer in self.transformers_.items():
            column = data.open(name).pack()
            observed = _observed(column.frames)
            if observed.all() and len(observed):
                frames = _apply(transformer, column.frames)
            else:
                frames = np.full((len(observed), self._widths[name]), np.nan)
                if observed.any():
                    frames[observed] = _apply(transformer, column.frames[observed])
            changed[name] = column.with_frames(frames.astype(column.frames.dtype, order="C", copy=False))
            release(column.frames, 0, len(column.frames))
        return changed

    def _array_feature_names(self, names):
        return self.transformers_[ONLY].get_feature_names_out(names)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if hasattr(self.transformer, "transform"):
            tags.input_tags.allow_nan = get_tags(self.transformer).input_tags.allow_nan
        return tags


def _observed(frames):
    return ~np.isnan(frames).all(axis=1)


def _apply(transformer, frames):
    values = transformer.transform(frames)
    return values.toarray() if issparse(values) else np.asarray(plain_array(values))
