"""What every regressor of this package shares, whether it trains a network or not."""

from sklearn.base import RegressorMixin

from avfusion.metrics import ccc_score


class SequenceRegressorMixin(RegressorMixin):
    """A regressor that takes any number of targets and is scored by the CCC."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def score(self, X, y):
        """Return the concordance correlation coefficient, pooled over all labelled frames.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict.
        y : as in `fit`
            Their labels.

        Returns
        -------
        float
            CCC in -1..1, averaged over targets: the field's measure.
        """
        return ccc_score(y, self.predict(X))
