import json

import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge

import avfusion as av
from benchmarks import accuracy


def test_table_is_written_and_a_second_call_fits_nothing(tmp_path, monkeypatch, capsys):
    def usual(X, y, groups, widths_s):
        models = {"ridge": Ridge(), "trees": ExtraTreesRegressor(2, max_depth=3)}
        return {name: accuracy.pipeline(av.FrameRegressor(model), (1,)) for name, model in models.items()}

    monkeypatch.setattr(accuracy, "usual_methods", usual)
    asked = ["--seeds", "2", "--jobs", "1", "--output", str(tmp_path / "a"), "--runs", str(tmp_path / "runs")]
    accuracy.main(asked)
    first = (tmp_path / "a" / "table.md").read_text()
    assert first in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "a" / "table.csv", index_col="estimator")
    assert table["n_seeds"].to_dict() == {"ridge": 1, "trees": 2}
    monkeypatch.setattr("avfusion.model_selection.comparison._runs._fit_predict", None)
    accuracy.main(asked)
    assert (tmp_path / "a" / "table.md").read_text() == first
    assert json.loads((tmp_path / "a" / "machine.json").read_text())["cores"]


def test_family_holds_every_fusion_network_and_the_choice_made_inside():
    X, y = av.datasets.make_audiovisual_regression(4, random_state=0)
    of = {
        which: accuracy.methods(which, X, y, "subject", {"networks": (1,), "classical": (1,)}, real)
        for which, real in (("usual", True), ("family", True), ("all", True))
    }
    assert set(of["all"]) == set(of["usual"]) | set(of["family"])
    assert not any(name.endswith("Regressor") for name in of["usual"])
    assert set(accuracy.ONCE) < set(of["usual"])
    assert {"CrossAttentionRegressor", "RecursiveJointAttentionRegressor"} <= set(of["family"])
    inside = of["family"]["recursive joint attention, settings chosen inside"]
    assert "segment" not in inside.get_params()
    synthetic = accuracy.methods("family", X, y, "subject", {"networks": (1,)}, real=False)
    assert not any("inside" in name for name in synthetic)


def test_all_methods_see_the_same_features():
    X, y = av.datasets.make_audiovisual_regression(4, random_state=0)
    usual = accuracy.usual_methods(X, y, "subject", {"networks": (1, 5), "classical": (1, 5)})
    steps = {repr(model[:-1]) for model in usual.values()}
    assert len(steps) == 1


def test_choice_is_made_by_leaving_out_each_training_segment():
    X, y = av.datasets.make_audiovisual_regression(4, label_rate_hz=1, random_state=0)
    y = y.to_frame()
    [search] = accuracy.chosen_inside({"networks": (1,)}).values()
    search.estimator.steps[-1][1].set_params(max_epochs=1)
    segments = pd.Series([0, 1, 2, 2])
    search.fit(X, y, groups=segments)
    assert search.n_splits_ == 3
    assert len(search.cv_results_["params"]) == 4
