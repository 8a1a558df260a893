"""No file of estimators reaches code, files or hosts: every parameter of every class is decided on."""

import inspect

import joblib
import pytest
from sklearn.pipeline import Pipeline

from avfusion.cli._allowed import _FORMS, _NEVER, FREE, MOST_JOBS, check_parameters, check_texts
from avfusion.cli._estimators import known_classes, read_estimators

PARAMETERS = {
    cls.__name__: (cls, list(inspect.signature(cls).parameters))
    for cls in sorted(known_classes(), key=lambda cls: cls.__name__)
}
TEXTS = ("os:system", "os.system", "/tmp/cache", "http://127.0.0.1/x", "__class__.__init__", "[m for m in 1]")
OF_2_TO_20 = ", ".join(f"p{k}: [1, 2]" for k in range(20))  # a grid of a million candidates


def test_every_class_is_walked_over():
    assert len(PARAMETERS) > 200
    assert {"Pipeline", "FeatureAgglomeration", "FusionSearchCV", "GroupKFold"} <= set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_no_parameter_takes_a_text_that_stands_for_something_else(name):
    cls, parameters = PARAMETERS[name]
    for parameter in parameters:
        form = _FORMS.get(parameter)
        for text in TEXTS if parameter not in FREE else ():
            if form and form.fullmatch(text):
                continue
            for value in (text, [text], {"a": text}, [{"a": [text]}]):
                assert _refuses(cls, {parameter: value}), f"{name}({parameter}={value!r})"


def _refuses(cls, values):
    try:
        check_parameters(cls, values, "a")
        check_texts(cls, values, "a")
    except ValueError as error:
        return "Write a .py file" in str(error)
    return not any(isinstance(value, str) for value in _leaves(values))


def _leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]


def test_the_lists_name_only_what_there_is():
    known = {parameter for _, parameters in PARAMETERS.values() for parameter in parameters}
    assert known >= FREE
    assert known >= set(_NEVER)
    assert not FREE & set(_NEVER)


class Bomb:
    """Executed where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


RIDGE = "regressor: {Ridge: {}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: {Pipeline: {steps: [[r, {Ridge: {}}]], memory: cache}}", "a, Pipeline: memory is not set"),
        ("a: [{FeatureAgglomeration: {memory: cache}}, Ridge]", "FeatureAgglomeration: memory is not set"),
        ("a: {GridSearchCV: {estimator: [PCA, Ridge], param_grid: {memory: [cache]}}}", "memory is not set"),
        (
            "a: {GridSearchCV: {estimator: [PCA, Ridge], param_grid: [{pca__x: [1], p__memory: [cache]}]}}",
            "memory is not set",
        ),
        ("a: {FusionSearchCV: {space: {memory: [cache, null]}, estimator: Ridge}}", "memory is not set"),
        ("a: {FusionSearchCV: {estimator: Ridge, storage: 'postgresql://host/x'}}", "storage is not set"),
        ("a: {EarlyFusionRegressor: {callbacks: [os.system]}}", "callbacks is not set"),
        ("a: {EarlyFusionRegressor: {callbacks: [[x, 3]]}}", "callbacks is not set"),
        (
            "a: {GridSearchCV: {estimator: EarlyFusionRegressor, param_grid: {callbacks__stop__x: [1]}}}",
            "callbacks is not set",
        ),
        ("a: [{CountVectorizer: {input: filename}}, Ridge]", "input is not set"),
        (
            "a: {GridSearchCV: {estimator: Ridge, param_grid: {alpha: [1]}, pre_dispatch: 9**9**9}}",
            "pre_dispatch takes no text",
        ),
        ("a: {FunctionTransformer: {func: os.system}}", "'func'"),
        ("a: {RFE: {estimator: Ridge, importance_getter: __class__.__init__}}", "importance_getter takes no"),
        ("a: [{CountVectorizer: {token_pattern: (a+)+}}, Ridge]", "token_pattern takes no text"),
        (
            "a: [{ColumnTransformer: {transformers: [], verbose_feature_names_out: "
            "'{feature_name:>999999}'}}]",
            "verbose_feature_names_out takes no text",
        ),
        (
            f"a: {{GridSearchCV: {{estimator: Ridge, param_grid: {{{OF_2_TO_20}}}}}}}",
            "param_grid has more than 1000000 candidates",
        ),
        ("a: {BaggingRegressor: {n_jobs: 500}}", "n_jobs=500 processes are more than"),
        (
            "a: {GridSearchCV: {estimator: BaggingRegressor, param_grid: {n_jobs: [-999]}}}",
            "n_jobs=-999 processes",
        ),
        ("a: {RandomForestRegressor: {n_estimators: 1000000000}}", "n_estimators=1000000000 is more than"),
        ("a: {EarlyFusionRegressor: {hidden_size: 100000000}}", "hidden_size=100000000 is more than"),
        ("a: {Ridge: {alpha: .nan}}", "'alpha'"),
        ("a: {Ridge: {alpha: -.inf}}", "'alpha'"),
        ("1: Ridge\n'1': Lasso", "Names of estimators are texts that differ"),
        ("no: Ridge", "Names of estimators are texts that differ"),
        ("a: {EarlyFusionRegressor: {device: meta}}", "device takes no text"),
        ("a: {Pipeline: {steps: 3}}", "'steps' parameter of Pipeline must be"),
        ("a: {Pipeline: {steps: [3]}}", "a, Pipeline: Steps are pairs of a name and an estimator"),
        ("a: {VotingRegressor: {estimators: [[3]]}}", "Steps are pairs of a name and an estimator"),
    ],
)
def test_files_are_refused_in_a_line_before_anything_is_run(text, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache").mkdir()
    joblib.dump(Bomb(tmp_path / "executed"), tmp_path / "cache" / "output.pkl")
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        read_estimators(tmp_path / "mine.yaml")
    assert len(str(caught.value).splitlines()) <= 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "mine.yaml"]


def test_toml_has_the_same_rule(tmp_path):
    (tmp_path / "mine.toml").write_text('[a.Pipeline]\nsteps = [["r", {Ridge = {}}]]\nmemory = "cache"\n')
    with pytest.raises(ValueError, match="memory is not set"):
        read_estimators(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    "text",
    [
        "a: {Pipeline: {steps: [[r, {Ridge: {}}]], memory: null}}",
        "a: {EarlyFusionRegressor: {callbacks: [], modalities: [audio], device: cpu, loss: ccc}}",
        f"a: {{KNeighborsRegressor: {{weights: distance, metric: manhattan, n_jobs: {MOST_JOBS}}}}}",
        "a: {GridSearchCV: {estimator: Ridge, param_grid: {alpha: [1], solver: [svd]}, pre_dispatch: "
        "2*n_jobs}}",
        "a: {GridSearchCV: {estimator: FrameRegressor, param_grid: {regressor__solver: [svd, lsqr]}}}",
        "a: {LateFusionRegressor: {weights: simplex}}",
        "a: {RFE: {estimator: [StandardScaler, Ridge], importance_getter: named_steps.ridge.coef_}}",
        "a: {FusionSearchCV: {estimator: EarlyFusionRegressor, space: {loss: [ccc, mse]}}}",
    ],
)
def test_what_is_harmless_is_read(text, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    assert list(read_estimators(tmp_path / "mine.yaml", seed=1)) == ["a"]


def test_the_default_of_a_class_is_no_text_of_the_file():
    check_parameters(Pipeline, {}, "a")
    check_texts(Pipeline, {"steps": [["any", "passthrough"]]}, "a")
