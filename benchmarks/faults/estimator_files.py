"""Files of estimators (YAML, TOML) and --option.

Each file is given to `read_estimators`; those that are read are also fitted to a few rows where that is
quick.
"""

import itertools
from functools import partial

import joblib

from avfusion.cli._estimators import known_classes, read_estimators
from avfusion.cli._words import parse_options
from benchmarks.faults.child import Bomb
from benchmarks.faults.harness import Case, cli

ALIASES = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 10)
)
RIDGE = "{FrameRegressor: {regressor: {Ridge: {alpha: %s}}}}"
VALUES = [
    *("10**400", "1" + "0" * 400, "-1", "0", ".nan", ".inf", "-.inf", "1e400", "1e-400", "0x" + "f" * 300),
    *("null", "true", "'1'", "[]", "{}", "[1, [2]]", "os.system", "os:system", "2020-01-01", "1:2:3", "0o9"),
    *("!!python/name:os.system", "!!bool maybe", "!!int x", "!!float x", "!!binary x", "!!timestamp x"),
    *("!!set {a}", "!!omap [a]", "*none", "&a [*a]", '"\\e[2J"', "\u202eabc", "[" * 5000, "{a: " * 5000),
    *("!!python/object/apply:os.system ['touch $AVFUSION_CANARY']", "!!python/object/new:os.system [x]"),
    *(
        "{Ridge: {}}",
        "{Rigde: {}}",
        "{Pipeline: {steps: 3}}",
        "{KFold: {n_splits: 0}}",
        "'" + "x" * 20_000 + "'",
    ),
]
TEXTS = {
    "alias bomb": ALIASES + f"b: {RIDGE % 1}",
    "alias of itself": "a: &a {FrameRegressor: {regressor: *a}}",
    "merge bomb": "a0: &a0 {x: 1}\n"
    + "".join(f"a{k}: &a{k} {{<<: [{','.join([f'*a{k - 1}'] * 10)}]}}\n" for k in range(1, 10)),
    "merge of a number": "a: {<<: 3}",
    "complex key": "? [Ridge]\n: 3",
    "complex mapping key": "? {a: 1}\n: Ridge",
    "twice": "a: Ridge\na: Lasso",
    "twice, number and text": "1: Ridge\n'1': Lasso",
    "twice, numbers": "1: Ridge\n1.0: Lasso",
    "NaN name": ".nan: Ridge",
    "null name": "~: Ridge",
    "boolean name": "yes: Ridge",
    "list name": "- a\n- b",
    "two documents": "a: Ridge\n---\nb: Lasso",
    "end and more": "a: Ridge\n...\nb: Lasso",
    "byte order mark": "\ufeffa: " + RIDGE % 1,
    "null byte": "a: Ridge\0",
    "control": "a: \x07",
    "tabs": "a:\n\tRidge",
    "directive": "%YAML 3.0\n---\na: Ridge",
    "tag directive": "%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system",
    "anchors": "&a " * 10_000,
    "deep lists": "a: " + "[" * 100_000,
    "deep lists in lines": "\n".join(" " * k + "-" for k in range(2_000)),
    "deep mappings": "{a: " * 10_000,
    "many": "\n".join(f"e{k}: Ridge" for k in range(20_000)),
    "comment": "#" * 300_000,
    "long line": "a: " + "x" * 250_000,
    "long number": "a: " + "1" * 200_000,
    "base 60": "a: 1" + ":1" * 100_000,
    "nothing": "",
    "spaces": " \n" * 100,
    "null": "null",
    "scalar": "Ridge",
    "no steps": "a: []",
    "empty mapping": "{}",
    "open quote": "a: 'Ridge",
    "open list": "a: [Ridge",
    "no class": "a: os.system",
    "not a class": "a: compare",
    "private": "a: {_Loader: {}}",
    "abstract": "a: {BaseShuffleSplit: {}}",
    "transformer last": "a: [Ridge, StandardScaler]",
    "unfit name": "a: {FrozenEstimator: {estimator: Ridge}}",
    "step twice": "a: {Pipeline: {steps: [[x, StandardScaler], [x, Ridge]]}}",
    "step of three": "a: {Pipeline: {steps: [[x, StandardScaler, y]]}}",
    "steps of numbers": "a: {Pipeline: {steps: [1, 2]}}",
    "step with __": "a: {Pipeline: {steps: [[x__y, StandardScaler], [z, Ridge]]}}",
    "voting for numbers": "a: {VotingRegressor: {estimators: [[3]]}}",
    "late fusion of numbers": "a: {LateFusionRegressor: {estimators: [[1, 2, 3]]}}",
    "grid of numbers": "a: {GridSearchCV: {estimator: Ridge, param_grid: {1: [2]}}}",
    "grid of nothing": "a: {GridSearchCV: {estimator: Ridge, param_grid: {}}}",
    "grid of lists": "a: {GridSearchCV: {estimator: Ridge, param_grid: [[1]]}}",
    "forest of 10^9": "a: {RandomForestRegressor: {n_estimators: 1000000000}}",
    "hidden 10^6": "a: [{Align: {rate_hz: 1}}, {EarlyFusionRegressor: {hidden_size: 1000000, max_epochs: "
    "1}}]",
    "hidden 10^5": "a: [{Align: {rate_hz: 1}}, {EarlyFusionRegressor: {hidden_size: 100000, max_epochs: 1}}]",
    "hidden 10^12": "a: {EarlyFusionRegressor: {hidden_size: 1000000000000}}",
    "hidden -2": "a: {EarlyFusionRegressor: {hidden_size: -2}}",
    "jobs": "a: {BaggingRegressor: {n_jobs: 100000}}",
    "dispatch": "a: {GridSearchCV: {estimator: Ridge, param_grid: {alpha: [1]}, pre_dispatch: '9**9**9**9'}}",
    "device": "a: {EarlyFusionRegressor: {device: nowhere, max_epochs: 1}}",
    "device by number": "a: {EarlyFusionRegressor: {device: 'cuda:99', max_epochs: 1}}",
    "meta": "a: [{Align: {rate_hz: 1}}, {EarlyFusionRegressor: {device: meta, max_epochs: 1}}]",
    "digits that are no number": "\n".join(f"a{k}: {'1' * 9990}x" for k in range(25)),
    "classes that are none": "a: {FrameRegressor: {regressor: ["
    + ",".join(f"{{Z{'RegressorClassifier' * 20}{k}: {{}}}}" for k in range(600))
    + "]}}",
    "grid without end": "a: {GridSearchCV: {estimator: Ridge, param_grid: {"
    + ", ".join(f"a{k}: [1, 2, 3, 4]" for k in range(30))
    + "}}}",
    "callbacks": "a: {EarlyFusionRegressor: {callbacks: [os.system]}}",
    "callbacks of numbers": "a: {EarlyFusionRegressor: {callbacks: [1]}}",
    "loss": "a: {EarlyFusionRegressor: {loss: os.system}}",
    "network": "a: {FusionRegressor: {network: os.system}}",
    "core": "a: {EncodedFusionRegressor: {core: os.system}}",
    "scoring": "a: {GridSearchCV: {estimator: Ridge, param_grid: {alpha: [1]}, scoring: os.system}}",
    "function": "a: [{FunctionTransformer: {func: os.system}}, Ridge]",
    "importance": "a: {RFE: {estimator: Ridge, importance_getter: __init__.__globals__}}",
    "template": "a: [{ColumnTransformer: {transformers: [], verbose_feature_names_out: "
    "'{feature_name:>99999999999}'}}, Ridge]",
    "regular expression": "a: [{CountVectorizer: {token_pattern: '(a+)+$'}}, Ridge]",
    "file names": "a: [{CountVectorizer: {input: filename}}, Ridge]",
    "storage": "a: {FusionSearchCV: {estimator: Ridge, storage: study.db}}",
    "host": "a: {FusionSearchCV: {estimator: Ridge, storage: 'postgresql://127.0.0.1/x'}}",
}
MEMORY = {
    "Pipeline": "a: {Pipeline: {steps: [[c, {Align: {rate_hz: 1}}], [f, FrameRegressor]], memory: cache}}",
    "Pipeline, upwards": "a: {Pipeline: {steps: [[c, {Align: {rate_hz: 1}}], [f, FrameRegressor]], memory: "
    "../x}}",
    "FeatureAgglomeration": "a: [{FeatureAgglomeration: {memory: cache}}, Ridge]",
    "AgglomerativeClustering": "a: [{AgglomerativeClustering: {memory: cache}}, Ridge]",
    "in a step": "a: [{OnFrames: {transformer: {FeatureAgglomeration: {memory: cache}}}}, FrameRegressor]",
    "grid": "a: {GridSearchCV: {estimator: [PCA, Ridge], param_grid: {memory: [cache]}}}",
    "grids": "a: {GridSearchCV: {estimator: [PCA, Ridge], param_grid: [{memory: [cache]}]}}",
    "random": "a: {RandomizedSearchCV: {estimator: [PCA, Ridge], param_distributions: {memory: [cache]}}}",
    "inner grid": "a: {GridSearchCV: {estimator: FrameRegressor, param_grid: {regressor__memory: [cache]}}}",
    "space": "a: {FusionSearchCV: {estimator: [PCA, Ridge], space: {memory: [cache]}}}",
    "list": "a: {Pipeline: {steps: [[f, FrameRegressor]], memory: [cache]}}",
    "mapping": "a: {Pipeline: {steps: [[f, FrameRegressor]], memory: {location: cache}}}",
    "merged": "x: &x {memory: cache}\na: {Pipeline: {<<: *x, steps: [[f, FrameRegressor]]}}",
}
TOMLS = {
    "deep": "a=" + "[" * 100_000,
    "deep tables": "a=" + "{b=" * 100_000,
    "dots": ".".join(["a"] * 120_000) + "=1",
    "some dots": ".".join(["a"] * 9_000) + "=1",
    "date": "a = 1979-05-27",
    "time": "a = 07:32:00",
    "number": "a = " + "9" * 400,
    "hexadecimal": "a = 0x" + "f" * 10_000,
    "inf": "a = {Ridge = {alpha = inf}}",
    "nan": "a = {Ridge = {alpha = nan}}",
    "twice": "a = 1\na = 2",
    "cut": "a = ",
    "tables": "[a]\n" * 10_000,
    "array of tables": "[[a]]\nRidge = {}\n" * 3_000,
    "text": "a = '" + "x" * 200_000 + "'",
    "control": "a = '\x07'",
    "memory": '[a.Pipeline]\nmemory = "cache"\nsteps = [["f", "FrameRegressor"]]',
    "good": "[[a]]\nAlign = {rate_hz = 1}\n[[a]]\nFrameRegressor = {}",
}
BYTES = {
    "utf-16": "a: Ridge".encode("utf-16"),
    "utf-32": "a: Ridge".encode("utf-32"),
    "latin-1": b"caf\xe9: Ridge",
    "binary": bytes(range(256)) * 10,
    "zeros": bytes(1000),
    "100 MB": b"#" * (100 << 20),
    "pickle": b"\x80\x04}.",
    "gzip": b"\x1f\x8b\x08\x00" + bytes(100),
}
OPTIONS = [
    *("[", "]", "{", "}", "'", '"', "!!bool maybe", "!!python/name:os.system", "&a [*a]", "*a", "a: b: c"),
    *("@", "`", "%", "? [1]", "\x00", "\x1b[2J", "1" * 5000, "1" * 400, "[" * 100_000, "---\n---", "<<: 3"),
    *(
        "2020-99-99",
        ".nan",
        ".inf",
        "-1",
        "0",
        "null",
        "{}",
        "[1, 2, 3]",
        "1e400",
        "\ud800",
        "x" * 20_000,
        ALIASES,
    ),
    *("!!python/object/apply:os.system ['touch $AVFUSION_CANARY']", "1:2:3", "~", "yes", "", " "),
]


def read(name, content, fit=True):
    """Write a file beside a poisoned cache, read it, and fit what it holds to a few recordings."""
    import avfusion

    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    for estimator in read_estimators(name, seed=0).values() if fit else ():
        if type(estimator).__name__ in ("FrameRegressor", "EarlyFusionRegressor", "Pipeline"):
            X, y = avfusion.datasets.make_audiovisual_regression(
                4, duration_s=(5, 8), audio_rate_hz=1, video_rate_hz=1, label_rate_hz=1, random_state=0
            )
            estimator.fit(X, y)


def beside_a_poisoned_cache(text):
    """Fit what a file names beside folders in which every file that joblib might read is a bomb."""
    import os

    from joblib import Memory
    from sklearn.pipeline import _fit_transform_one

    for place in ("cache", "../x"):
        os.makedirs(place, exist_ok=True)
        memory = Memory(place, verbose=0)
        memory.cache(_fit_transform_one)
        for folder, _, _ in list(os.walk(place)):
            joblib.dump(Bomb(), os.path.join(folder, "output.pkl"))
    read("mine.yaml", text)


def options(value):
    """Read a value of --option, and draw recordings with it."""
    parse_options([f"n_recordings={value}"])
    if len(value) < 1000 and "\x00" not in value:
        cli("describe", "synthetic", "--option", f"n_recordings={value}")


def every_parameter(cls, name):
    """Give a parameter texts that could stand for something else."""
    for text in ("cache", "os.system", "[m for m in 1]"):
        for value in (text, f"[{text!r}]", f"{{a: {text!r}}}"):
            try:
                read("mine.yaml", f"a: {{{cls}: {{{name}: {value}}}}}", fit=False)
            except ValueError:
                continue
    return None


def cases(folder, rng):
    """Yield texts, values, caches, files of other kinds, parameters of all classes, and options."""
    for name, text in TEXTS.items():
        yield Case(f"YAML: {name}", partial(read, "mine.yaml", text))
    for number, value in enumerate(VALUES):
        yield Case(f"YAML value {number}: {value[:30]!a}", partial(read, "mine.yaml", f"a: {RIDGE % value}"))
        yield Case(f"YAML step {number}: {value[:30]!a}", partial(read, "mine.yaml", f"a: {value}"))
    for name, text in MEMORY.items():
        yield Case(f"memory: {name}", partial(beside_a_poisoned_cache, text))
    for name, text in TOMLS.items():
        yield Case(f"TOML: {name}", partial(read, "mine.toml", text))
    for (name, content), suffix in itertools.product(BYTES.items(), ("yaml", "toml")):
        yield Case(f"{suffix} file: {name}", partial(read, f"mine.{suffix}", content))
    for number, value in enumerate(OPTIONS):
        yield Case(f"--option {number}: {value[:30]!a}", partial(options, value))
    for cls in sorted(known_classes(), key=lambda cls: cls.__name__):
        yield Case(f"parameters of {cls.__name__}", partial(every_class, cls))


def every_class(cls):
    """Give each parameter of a class texts that could stand for something else."""
    import inspect

    for name in inspect.signature(cls).parameters:
        every_parameter(cls.__name__, name)
