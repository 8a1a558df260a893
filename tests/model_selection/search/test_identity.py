"""Studies that belong to a search, and those of others."""

import optuna
import pytest

from avfusion.model_selection.search._identity import check_identity


def test_a_study_is_recorded_once_and_what_differs_is_named():
    study = optuna.create_study(direction="maximize", study_name="s")
    check_identity(study, {"data": "a", "folds": "b"})
    check_identity(study, {"data": "a", "folds": "b"})
    with pytest.raises(ValueError, match="of a search with different folds, so"):
        check_identity(study, {"data": "a", "folds": "c"})
    with pytest.raises(ValueError, match="of a search with different data, folds, so"):
        check_identity(study, {"data": "b", "folds": "c"})
