import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import avfusion as av
from benchmarks import clocks


def film(seed=0):
    """Four segments of 30 s; arousal is high where somebody speaks."""
    rng = np.random.default_rng(seed)
    X = av.as_sequences(
        {
            "audio": [rng.normal(size=(750, 2)) for _ in range(4)],
            "video": [rng.normal(size=(750, 4)) for _ in range(4)],
        },
        rate_hz=25,
    )
    begins = [np.sort(rng.choice(29, 10, replace=False)).astype(float) for _ in range(4)]
    for name, width in (("speech", 1.0), ("music", 1.0), ("cuts", 0.0)):
        cells = [av.Sequence(np.ones(10), times_s=np.stack([t, t + width], axis=1)) for t in begins]
        X[name] = av.as_sequences({name: cells})[name]
    X["segment"] = range(4)
    labels = [np.isin(np.arange(30), t).astype(float) for t in begins]
    y = pd.DataFrame({"arousal": av.SequenceArray.from_sequences(labels, rate_hz=1)})
    return X, y


def test_each_network_and_ridge_is_there_with_and_without_annotations():
    methods = clocks.film_methods(3)
    assert {name for name in methods if name.endswith(", and annotations")} == {
        f"{name}, and annotations" for name in ("ridge", "ridge, rescaled", "recursive joint attention")
    }
    assert {name.removesuffix(", and annotations") for name in methods} < set(methods)
    assert {name: n for name, (_, n) in methods.items() if n > 1} == {
        "recursive joint attention": 3,
        "recursive joint attention, and annotations": 3,
    }


def test_only_what_has_annotations_in_its_name_reads_them():
    X, y = film()
    other = film(seed=1)[0]
    changed = X.assign(**{name: other[name] for name in clocks.ANNOTATIONS})
    methods = clocks.film_methods(1)
    for name in ("ridge", "ridge, and annotations", "ridge, and cuts"):
        fitted = methods[name][0].fit(X, y)
        one, two = (fitted.predict(data)["arousal"][0].frames for data in (X, changed))
        assert np.array_equal(one, two) == (name == "ridge")
    assert av.metrics.ccc_score(y, methods["ridge, and annotations"][0].predict(X)) > 0.1


def test_silence_is_zero_and_not_unobserved():
    X, _ = film()
    steps = clocks.on_one_clock(av.FrameRegressor(Ridge()), (1,))[:2]
    aligned = steps.fit_transform(X)
    assert not any(np.isnan(aligned[name].array.frames).any() for name in clocks.ANNOTATIONS)
    silent = aligned["speech"][0].frames[:, 0] == 0
    assert silent.sum() == 20
    assert (aligned["speech"][0].frames[silent, 1] == 0).all()


def conversations():
    rng = np.random.default_rng(0)
    lengths = [500, 750, 600, 525]
    X = av.as_sequences(
        {name: [rng.normal(size=(n, 2)) for n in lengths] for name in ("text", "face", "voice")}, rate_hz=25
    ).assign(subject=[1, 1, 2, 2], story=[1, 2, 1, 2])
    y = av.as_sequences({"valence": [cell.frames[:, :1] for cell in X["face"]]}, rate_hz=25)
    return X, y


@pytest.mark.parametrize("groups", ["story", "subject"])
def test_table_of_conversations_is_written_for_stories_and_for_people(tmp_path, monkeypatch, capsys, groups):
    monkeypatch.setattr(av.datasets, "fetch_omg_empathy", lambda data_home: conversations())
    monkeypatch.chdir(tmp_path)
    asked = ["--data", "omg_empathy", "--groups", groups, "--methods", "ridge", "--jobs", "1"]
    clocks.main(asked)
    printed = capsys.readouterr().out
    folder = tmp_path / "results" / f"clocks-omg_empathy-{groups}"
    assert (folder / "table.md").read_text() in printed
    assert "| ridge |" in printed
    assert "| story 1 | story 2 |" in printed
    folds = pd.read_parquet(folder / "predictions.parquet")
    assert folds.groupby("fold")["row"].unique().map(sorted).tolist() == (
        [[0, 2], [1, 3]] if groups == "story" else [[0, 1], [2, 3]]
    )
    assert folds.groupby("row").size().tolist() == [20, 30, 24, 21]


def test_agreement_per_recording_is_the_mean_of_their_own_over_seeds():
    X, y = conversations()
    y = av.Align(1.0).fit_transform(y)
    comparison = av.compare(
        {"ridge": clocks.conversation_methods(["text", "face", "voice"], "story", 1)["ridge"][0]},
        X,
        y,
        groups="story",
        verbose=False,
    )
    [line] = clocks.per_recording(comparison, X["story"])

    def ccc(a, b):
        return 2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)

    predicted = comparison.predictions["ridge"]["valence"]
    own = [ccc(a.frames[:, 0], b.frames[:, 0]) for a, b in zip(y["valence"], predicted)]
    assert line["CCC per recording"] == pytest.approx(np.mean(own))
    assert line["story 2"] == pytest.approx((own[1] + own[3]) / 2)
