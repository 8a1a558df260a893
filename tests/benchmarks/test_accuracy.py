import json

import pandas as pd
from sklearn.linear_model import Ridge

import avfusion as av
from benchmarks import accuracy


def test_table_is_written_and_a_second_call_fits_nothing(tmp_path, monkeypatch):
    def ridge(groups, widths_s, seed):
        return {"ridge": accuracy.pipeline(av.FrameRegressor(Ridge(alpha=10.0**seed)), widths_s["classical"])}

    monkeypatch.setattr(accuracy, "usual_methods", ridge)
    asked = ["--seeds", "2", "--jobs", "1", "--output", str(tmp_path / "a"), "--runs", str(tmp_path / "runs")]
    accuracy.main(asked)
    first = json.loads((tmp_path / "a" / "summary.json").read_text())["methods"]
    assert first["ridge"]["seeds"] == 2
    monkeypatch.setattr("benchmarks.runs.run", None)
    accuracy.main(asked)
    assert json.loads((tmp_path / "a" / "summary.json").read_text())["methods"] == first


def test_family_holds_every_fusion_network_and_the_choice_made_inside():
    widths_s = {"networks": (1,), "classical": (1,)}
    usual = accuracy.methods("usual", "studyforrest", "segment", widths_s, 1)
    family = accuracy.methods("family", "studyforrest", "segment", widths_s, 1)
    both = accuracy.methods("all", "studyforrest", "segment", widths_s, 1)
    assert set(both) == set(usual) | set(family)
    assert not any(name.endswith("Regressor") for name in usual)
    assert {"CrossAttentionRegressor", "RecursiveJointAttentionRegressor"} <= set(family)
    assert all(model.steps[-1][1].random_state == 1 for name, model in family.items() if "inside" not in name)
    inside = family["recursive joint attention, settings chosen inside"]
    assert "segment" not in inside.get_params()
    assert not any("inside" in name for name in accuracy.methods("family", "synthetic", "", widths_s, 1))


def test_choice_is_made_by_leaving_out_each_training_segment():
    X, y = av.datasets.make_audiovisual_regression(4, label_rate_hz=1, random_state=0)
    y = y.to_frame()
    [search] = accuracy.chosen_inside("segment", {"networks": (1,)}, 0).values()
    search.estimator.steps[-1][1].set_params(max_epochs=1)
    segments = pd.Series([0, 1, 2, 2])
    search.fit(X, y, groups=segments)
    assert search.n_splits_ == 3
    assert len(search.cv_results_["params"]) == 4
