"""The evaluation of valence and arousal in the ABAW challenge."""

from avfusion.metrics._regression import ccc_score
from avfusion.sequences import as_targets, mask_labels

NO_LABEL = -5.0


def abaw_scores(y_true, y_pred):
    """Evaluate predictions as the ABAW challenge does: the CCC of each target over all valid frames.

    The frames of all videos are taken together. Those without a label, NaN or -5, do not count.

    Parameters
    ----------
    y_true, y_pred : DataFrame, Series, list, tuple or array
        Labels and predictions per frame, as in `ccc_score`.

    Returns
    -------
    dict of str to float
        ``ccc``, the mean over targets, by which the challenge ranks, and ``ccc_NAME`` for each target.

    Raises
    ------
    ValueError
        As `ccc_score`.

    See Also
    --------
    abaw_scorer : The same for scikit-learn's tools.
    avfusion.datasets.load_aff_wild2 : The recordings.

    References
    ----------
    .. [1] D. Kollias et al., "The 6th affective behavior analysis in-the-wild (ABAW) competition", CVPR
       workshops 2024. arXiv 2402.19344.

    Examples
    --------
    >>> import avfusion as av
    >>> y = av.as_sequences({"valence": [[0.1, -5, 0.3]], "arousal": [[0.5, -5, 0.1]]}, dtype="float64")
    >>> predicted = av.as_sequences({"valence": [[0.1, 0, 0.3]], "arousal": [[0.1, 0, 0.5]]}, dtype="float64")
    >>> {name: round(score, 3) for name, score in av.metrics.abaw_scores(y, predicted).items()}
    {'ccc': 0.0, 'ccc_valence': 1.0, 'ccc_arousal': -1.0}
    """
    y_true = mask_labels(y_true, NO_LABEL)
    scores = ccc_score(y_true, y_pred, multioutput="raw_values")
    names = as_targets(y_true).form.target_names
    by_target = {f"ccc_{name}": float(score) for name, score in zip(names, scores)}
    return {"ccc": float(scores.mean()), **by_target}


def abaw_scorer(estimator, X, y):
    """Score an estimator as the ABAW challenge does, for ``scoring=`` of scikit-learn's tools.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : DataFrame
        Recordings.
    y : DataFrame, Series or list
        Their labels.

    Returns
    -------
    dict of str to float
        As `abaw_scores`. A search takes ``refit="ccc"`` beside it.

    See Also
    --------
    abaw_scores : The same of predictions.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn.model_selection import cross_validate
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(6, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    >>> model = av.FrameRegressor(DummyRegressor())
    >>> sorted(cross_validate(model, X, y, cv=2, scoring=av.metrics.abaw_scorer))
    ['fit_time', 'score_time', 'test_ccc', 'test_ccc_label']
    """
    return abaw_scores(y, estimator.predict(X))
