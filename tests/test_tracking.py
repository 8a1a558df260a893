"""What MLflow's automatic logging takes for the model."""

import os
import warnings

import numpy as np
import pytest
import sklearn.model_selection
from sklearn.ensemble import BaggingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}  # before the import
mlflow = pytest.importorskip("mlflow")
pytest.importorskip("mlflow.sklearn")
from mlflow.tracking import fluent  # noqa: E402
from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS  # noqa: E402

import avfusion as av  # noqa: E402
from avfusion._tracking import untracked  # noqa: E402

# MLflow's own, and what it says of scores that need a number for each row
pytestmark = [
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
    pytest.mark.filterwarnings("ignore:Hint. Inferred schema"),
]
NETWORK = av.EarlyFusionRegressor(hidden_size=4, max_epochs=2, random_state=0)
NOT_LOGGED = "so this fit is not logged. Have it logged by fitting make_pipeline"


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(8, audio_rate_hz=1, video_rate_hz=1, random_state=0)


def forget_experiment():
    """Have MLflow use its default experiment again: it remembers the last one for the whole process."""
    fluent._active_experiment_id = None
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    forget_experiment()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("tests", artifact_location=folder.as_uri()))
    yield folder
    mlflow.set_tracking_uri(before)
    forget_experiment()


@pytest.fixture
def runs(store):
    """Return a function that gives the runs since the test began, with automatic logging on."""
    mlflow.sklearn.autolog(log_models=False)
    known = {run.info.run_id for run in mlflow.search_runs(output_format="list")}
    yield lambda: [r.data for r in mlflow.search_runs(output_format="list") if r.info.run_id not in known]
    mlflow.sklearn.autolog(disable=True)


@pytest.mark.slow  # the first use of autolog replaces the methods of 200 classes
@pytest.mark.works_with(
    "MLflow", "`autolog`: pipelines of frame-wise models, networks, late fusion: CCC, parameters, class"
)
@pytest.mark.parametrize(
    "last",
    [av.FrameRegressor(Ridge(2.0)), NETWORK, av.LateFusionRegressor(), av.RescaledRegressor()],
    ids=lambda model: type(model).__name__,
)
def test_a_pipeline_is_logged_with_its_ccc(last, data, runs):
    X, y = data
    model = make_pipeline(av.OnFrames(), last)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not logged")
        model.fit(X, y)
    (logged,) = runs()
    assert logged.tags["estimator_class"] == "sklearn.pipeline.Pipeline"
    assert logged.metrics["training_score"] == pytest.approx(av.metrics.ccc_score(y, model.predict(X)))
    assert set(logged.params) >= set(model.get_params(deep=True))


@pytest.mark.slow
@pytest.mark.works_with(
    "MLflow", "`autolog` of `GridSearchCV`: best score, best parameters, a run for each candidate"
)
def test_a_grid_search_is_logged_with_its_candidates(data, runs):
    X, y = data
    grid = {"framewise__regressor__alpha": [0.1, 1000.0]}
    pipeline = make_pipeline(av.OnFrames(), av.FrameRegressor(Ridge()))
    pipeline.steps[-1] = ("framewise", pipeline[-1])
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    logged = runs()
    (parent,) = (run for run in logged if "best_cv_score" in run.metrics)
    assert parent.metrics["best_cv_score"] == pytest.approx(search.best_score_)
    assert parent.params["best_framewise__regressor__alpha"] == str(
        search.best_params_["framewise__regressor__alpha"]
    )
    assert len(logged) == 3


@pytest.mark.slow
@pytest.mark.works_with("MLflow", "`autolog` of an estimator outside a pipeline", refused=True)
@pytest.mark.parametrize(
    "model",
    [
        av.FrameRegressor(Ridge()),
        av.FrameRegressor(make_pipeline(Ridge())),
        av.FrameRegressor(BaggingRegressor(n_estimators=2)),
        av.LateFusionRegressor([("a", av.FrameRegressor(), "audio")], final_estimator=Ridge(), cv=2),
        av.RescaledRegressor(make_pipeline(av.OnFrames(), av.FrameRegressor())),
        NETWORK,
    ],
    ids=lambda model: str(model)[:40],
)
def test_a_part_is_not_taken_for_the_model(model, data, runs):
    with pytest.warns(UserWarning, match=NOT_LOGGED) as caught:
        model.fit(*data)
    own = [w for w in caught if "not logged" in str(w.message)]
    assert len(own) == 1
    assert own[0].filename == __file__
    assert runs() == []


@pytest.mark.slow
@pytest.mark.works_with(
    "MLflow", "`autolog` leaves the folds of `compare` and of searches alone, as scikit-learn's"
)
def test_folds_are_not_logged(data, runs):
    X, y = data
    model = make_pipeline(av.OnFrames(), av.FrameRegressor(Ridge()))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not logged")
        # by its module: autolog replaces the function there
        sklearn.model_selection.cross_validate(model, X, y, cv=2)
        sklearn.model_selection.cross_validate(model[-1], X, y, cv=2)
        av.compare({"ridge": model, "bare": model[-1]}, X, y, cv=2)
    with pytest.warns(UserWarning, match="FusionSearchCV"):
        av.FusionSearchCV(model, {"frameregressor__regressor__alpha": [1, 10]}, cv=2, n_trials=2).fit(X, y)
    av.model_selection.check_leakage(model, X, y, cv=2, groups="subject", n_permutations=2)
    assert runs() == []
    make_pipeline(Ridge()).fit(np.eye(3), np.arange(3.0))
    assert len(runs()) == 1  # it is on again


@pytest.mark.slow
def test_it_is_on_again_after_an_error(data, runs):
    with pytest.raises(ValueError, match="positive"), untracked(), untracked():
        Ridge(solver="svd", positive=True).fit(np.eye(3), np.arange(3.0))
    assert runs() == []
    Ridge().fit(np.eye(3), np.arange(3.0))
    assert len(runs()) == 1


@pytest.mark.slow
def test_nothing_is_said_where_all_logging_is_off(data, runs):
    from mlflow.utils.autologging_utils import disable_autologging

    with warnings.catch_warnings(), disable_autologging():
        warnings.filterwarnings("error", message=".*not logged")
        av.FrameRegressor().fit(*data)
        assert runs() == []


def test_threads_leave_it_off_until_the_last_is_done(store):
    settings = AUTOLOGGING_INTEGRATIONS["sklearn"]
    before = dict(settings)
    settings["disable"] = False
    try:
        first, second = untracked(), untracked()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert settings["disable"]
        second.__exit__(None, None, None)
        assert not settings["disable"]
    finally:
        settings.clear()
        settings |= before
