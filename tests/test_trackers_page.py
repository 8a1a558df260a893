"""The page on trackers: what it shows runs, and the trackers have what it says."""

import json
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_validate

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}  # before the import
mlflow = pytest.importorskip("mlflow")
pytest.importorskip("mlflow.sklearn")
pytest.importorskip("skops")
pytest.importorskip("tensorboard")

import avfusion as av  # noqa: E402
from tests.test_tracking import forget_experiment  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # MLflow's many
PAGE = Path(__file__).parents[1] / "docs" / "trackers.md"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Run the page in an empty folder, and return its names."""
    folder, before, uri = tmp_path_factory.mktemp("page"), Path.cwd(), mlflow.get_tracking_uri()
    cells = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    names = {"__name__": "page"}
    forget_experiment()
    os.chdir(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for cell in cells:
                exec(compile(cell, PAGE.name, "exec"), names)
        yield names
    finally:
        os.chdir(before)
        mlflow.sklearn.autolog(disable=True)
        mlflow.set_tracking_uri(uri)
        forget_experiment()


def test_autolog_has_the_ccc(page):
    X, y = page["X"], page["y"]
    assert page["logged"].metrics["training_score"] == av.metrics.ccc_score(y, page["model"].predict(X))
    assert page["logged"].params["align__rate_hz"] == "1.0"
    errors = mlflow.search_runs(filter_string="metrics.rmse > 0")
    assert errors["metrics.rmse"].item() == av.metrics.root_mean_squared_error(y, page["model"].predict(X))


@pytest.mark.works_with(
    "MLflow", "`log_model` in its default format with an input example and an inferred signature"
)
def test_the_signature_and_the_example_are_those_of_the_recordings(page):
    X, info, served = page["X"], page["info"], page["served"]
    inputs = {spec.name: str(spec.type) for spec in info.signature.inputs}
    assert inputs == {"audio": "Array(Array(double))", "video": "Array(Array(double))"}
    assert [str(spec.type) for spec in info.signature.outputs] == ["Array(Array(double))"]
    for name in inputs:
        for given, kept in zip(X[name].head(2), served.input_example[name]):
            np.testing.assert_array_equal(given.frames, np.array(kept, "float32"))


@pytest.mark.works_with(
    "MLflow", "a served model: `pyfunc` of a DataFrame, and nested lists in JSON, also of clips"
)
def test_a_served_model_predicts_the_same(page):
    from mlflow.pyfunc import scoring_server

    X, model, served = page["X"], page["model"], page["served"]
    assert page["predictions"].equals(model.predict(X))
    schema = served.metadata.get_input_schema()
    rows = json.loads(X[["audio", "video"]].head(2).to_json(orient="records", double_precision=15))
    for body in (page["body"], {"dataframe_records": rows}, {"inputs": rows}):
        answer = scoring_server.invocations(json.dumps(body), "application/json", served, schema)
        assert answer.status == 200
        for row, expected in zip(json.loads(answer.response)["predictions"], model.predict(X)):
            np.testing.assert_allclose(row["label"], expected.frames, rtol=1e-5)
    clips = clone(model).fit(X, pd.Series(np.arange(12.0), name="mood"))
    kept = {"skops_trusted_types": av.skops_types(), "pip_requirements": ["avfusion"]}
    info = mlflow.sklearn.log_model(clips, name="clips", input_example=page["example"], **kept)
    served = mlflow.pyfunc.load_model(info.model_uri)
    pd.testing.assert_series_equal(served.predict(X), clips.predict(X))
    answer = scoring_server.invocations(json.dumps(page["body"]), "application/json", served, None)
    predicted = [row["mood"] for row in json.loads(answer.response)["predictions"]]
    np.testing.assert_allclose(predicted, clips.predict(X)[:2], rtol=1e-5)


@pytest.mark.works_with("MLflow", "`log_table` as JSON and as Parquet, `data.from_pandas`")
def test_tables_and_data_sets_are_logged(page):
    X = page["X"]
    with mlflow.start_run() as run:
        mlflow.log_table(X.head(2), "rows.json")
        mlflow.log_table(X.head(2), "rows.parquet")
        mlflow.log_input(mlflow.data.from_pandas(X, name="films"), context="training")
    (columns,) = json.loads(mlflow.get_run(run.info.run_id).inputs.dataset_inputs[0].dataset.schema).values()
    assert [column["name"] for column in columns] == ["audio", "video", "subject"]
    read = mlflow.load_table("rows.parquet", run_ids=[run.info.run_id])
    assert read["audio"].equals(X["audio"].head(2))
    read = mlflow.load_table("rows.json", run_ids=[run.info.run_id])
    np.testing.assert_allclose(np.array(read["audio"][0]), X["audio"][0].frames, atol=1e-9)


def test_scores_per_frame_cannot_be_evaluated_by_mlflow(page):
    rows = page["X"].assign(label=page["y"])
    with pytest.raises(TypeError, match="Sequence"):
        mlflow.models.evaluate(page["model"].predict, rows, targets="label", model_type="regressor")


@pytest.mark.works_with("skorch", "MlflowLogger: losses and validation CCC of each epoch, on sequences")
def test_mlflow_has_the_curve(page):
    history, run_id = page["net"].net_.history, page["run"].info.run_id
    assert [point.value for point in page["curve"]] == history[:, "valid_ccc"]
    for key in ("train_loss", "valid_loss"):
        curve = mlflow.MlflowClient().get_metric_history(run_id, key)
        assert [point.value for point in curve] == history[:, key]


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [event.value for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.works_with(
    "TensorBoard", "losses, validation CCC and learning rate of each epoch, read back from the events"
)
def test_tensorboard_has_the_history(page):
    (folder,) = Path("runs").iterdir()
    history, events = page["drawn"].net_.history, scalars(folder)
    for key in ("train_loss", "valid_loss", "valid_ccc"):
        np.testing.assert_allclose(events[f"Loss/{key}"], history[:, key], rtol=1e-6)
    steps = np.arange(1, 4) * history[-1, "train_batch_count"]  # done at the end of each epoch
    expected = 3e-3 * (steps + 1) / 10 * (1 + np.cos(np.pi * steps / steps[-1])) / 2  # of the first ten
    assert steps[-1] < 10
    np.testing.assert_allclose(events["learning rate"], expected, rtol=1e-6, atol=1e-12)


@pytest.mark.works_with(
    "TensorBoard", "the callback of docs/trackers.md in cross-validation and searches, a folder for each fit"
)
def test_each_training_has_its_own_curves(page, tmp_path):
    X, y, curves = page["streams"], page["y"], page["Curves"]
    net = av.EarlyFusionRegressor(hidden_size=4, max_epochs=2, callbacks=[curves(str(tmp_path))], n_members=2)
    cross_validate(net.fit(X, y), X, y, cv=2, error_score="raise")
    assert len(list(tmp_path.iterdir())) == 2 + 4
    assert all(len(scalars(folder)["Loss/train_loss"]) == 2 for folder in tmp_path.iterdir())
    av.FusionSearchCV(clone(net), {"lr": [1e-3]}, cv=2, n_trials=1, refit=False, random_state=0).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 6 + 4


@pytest.mark.works_with("Optuna", "callbacks of a study log its trials with MLflow")
def test_trials_are_runs(page):
    runs = mlflow.search_runs(filter_string="attributes.run_name LIKE 'context%'")
    trials = {trial.value for trial in page["study"].trials}
    assert len(runs) == 3
    assert set(runs["metrics.ccc"]) == trials
