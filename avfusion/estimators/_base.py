"""The common part of all regressors of this package, with a network or without."""

from dataclasses import dataclass
from typing import ClassVar

from sklearn.base import RegressorMixin

from avfusion.metrics import ccc_score
from avfusion.sequences._weights import weights_by_row


@dataclass(frozen=True)
class FusionTags:
    """Properties of an estimator that `avfusion.all_estimators` lists.

    Parameters
    ----------
    needs_alignment : bool, default=True
        Whether the streams of a row must have the same number of steps, also where labels are per clip.
    any_length : bool, default=True
        Whether a row may have any number of steps, or is worked on in windows of one fixed length.
    published_in : str, default=""
        Number of the method's paper, such as "arXiv 1702.01992"; empty for classical ones.

    Examples
    --------
    >>> FusionTags(published_in="arXiv 1702.01992").needs_alignment
    True
    """

    needs_alignment: bool = True
    any_length: bool = True
    published_in: str = ""


class SequenceRegressorMixin(RegressorMixin):
    """A regressor that takes any number of targets and is scored by the CCC."""

    fusion_tags: ClassVar[FusionTags] = FusionTags()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def score(self, X, y, sample_weight=None) -> float:
        """Return the concordance correlation coefficient, pooled over all labelled frames.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict.
        y : as in `fit`
            Their labels.
        sample_weight : str, array-like, Series, DataFrame or list, optional
            How much each row or each label counts, as in `avfusion.metrics.ccc_score`, or the column of X
            that holds a weight for each row.

        Returns
        -------
        float
            CCC in -1..1, averaged over targets: the field's measure.
        """
        return ccc_score(y, self.predict(X), sample_weight=weights_by_row(sample_weight, X))
