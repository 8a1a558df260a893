import dataclasses
import json
import os
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, LeaveOneGroupOut

from avfusion.metrics import ccc_score
from avfusion.model_selection import compare
from avfusion.sequences._array import SequenceArray

FILES = {
    "folds.csv",
    "groups.csv",
    "plot.png",
    "predictions.parquet",
    "recipe.joblib",
    "settings.json",
    "sha256sums.txt",
    "table.csv",
    "table.md",
    "table.tex",
    "targets.csv",
}


class LabelledRidge(Ridge):
    """Ridge that leaves out rows without a label."""

    def fit(self, X, y):
        return super().fit(X[y.notna()], y[y.notna()])


class Echo(Ridge):
    """Predicts half the sequences that it finds in X."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return pd.DataFrame({"arousal": [np.asarray(cell) / 2 for cell in X["labels"]]}, index=X.index)


def clips():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"], index=[f"r{i}" for i in range(60)])
    y = (X["a"] + rng.normal(size=60)).rename("rating")
    y.iloc[7] = np.nan
    return X, y, np.repeat(list("stuvwx"), 10)


@pytest.fixture(scope="module")
def result():
    X, y, subject = clips()
    models = {"a|b": LabelledRidge(), "huge alpha": LabelledRidge(1e6)}
    return compare(models, X, y, groups=subject, cv=3, verbose=False)


@pytest.fixture(scope="module")
def recordings():
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(n, 1)) for n in (3, 5, 2, 4, 6)]
    X = pd.DataFrame({"labels": SequenceArray.from_sequences(cells, dtype="float64")})
    labels = [cells[0], None, *cells[2:]]
    y = pd.DataFrame({"arousal": SequenceArray.from_sequences(labels, dtype="float64")})
    return compare({"echo": Echo()}, X, y, scoring="ccc", verbose=False)


def test_markdown_is_a_table_that_reads_back(result):
    lines = result.to_markdown().partition("\n\n")[0].splitlines()
    assert lines[0].startswith("| estimator  |")
    assert re.fullmatch(r"\|( -+:? \|)+", lines[1])
    assert len({len(line) for line in lines}) == 1
    assert lines[2].startswith(r"| a\|b ")
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", lines[2])[1:-1]]
    row = result.table.loc["a|b"]
    assert cells[1] == f"{row['ccc']:.3f} [{row['ccc_low']:.3f}, {row['ccc_high']:.3f}]"
    assert cells[2] == f"{row['ccc_fold_mean']:.3f} ± {row['ccc_fold_std']:.3f}"
    assert cells[3] == f"{row['ccc_group_mean']:.3f}"


def test_group_means_are_not_shown_where_every_fold_is_a_group():
    X, y, subject = clips()
    own = compare({"ridge": LabelledRidge()}, X, y, groups=subject, verbose=False)
    assert own.table.loc["ridge", "ccc_group_mean"] == pytest.approx(own.table.loc["ridge", "ccc_fold_mean"])
    assert "ccc per fold" in repr(own)
    assert "ccc per group" not in repr(own)


def test_text_and_html_show_every_estimator_and_score(result):
    for text in (repr(result), result._repr_html_()):
        assert "2 estimators: 60 rows, 6 groups, 3 folds; intervals: bootstrap over groups" in text
        for word in ("a|b", "huge alpha", "ccc [95 %]", "pcc [95 %]", "rmse [95 %]", "mae [95 %]", "fit_s"):
            assert word in text
        assert f"{result.table.loc['a|b', 'rmse']:.3f}" in text


def test_prediction_table_of_clips(result):
    table = result.prediction_table()
    _, y, subject = clips()
    assert table["row"].tolist() == [row for row in range(60) if row != 7]
    assert table["index"].tolist() == y.index[table["row"]].tolist()
    assert table["group"].tolist() == subject[table["row"]].tolist()
    np.testing.assert_array_equal(table["label"], y.dropna())
    np.testing.assert_array_equal(table["prediction: a|b"], result.predictions["a|b"][y.notna()])
    assert set(table["target"]) == {"rating"}


def test_prediction_table_of_frames(recordings):
    table = recordings.prediction_table()
    lengths = {0: 3, 2: 2, 3: 4, 4: 6}  # row 1 has no labels
    assert table["row"].tolist() == [row for row, n in lengths.items() for _ in range(n)]
    assert table["frame"].tolist() == [frame for n in lengths.values() for frame in range(n)]
    np.testing.assert_allclose(table["prediction: echo"], table["label"] / 2)
    assert ccc_score(table["label"], table["prediction: echo"]) == pytest.approx(
        recordings.table.loc["echo", "ccc"]
    )


def test_saved_files_hold_the_result(result, tmp_path):
    folder = result.save(tmp_path / "new" / "results")
    assert {path.name for path in folder.iterdir()} == FILES
    pd.testing.assert_frame_equal(pd.read_csv(folder / "table.csv", index_col="estimator"), result.table)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "groups.csv"), result.groups, check_dtype=False)
    assert len(pd.read_csv(folder / "folds.csv")) == 6
    pd.testing.assert_frame_equal(
        pd.read_parquet(folder / "predictions.parquet"), result.prediction_table(), check_dtype=False
    )
    assert (folder / "table.md").read_text(encoding="utf-8") == result.to_markdown()
    assert json.loads((folder / "settings.json").read_text()) == result.settings
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    result.save(folder)  # again, over the old files
    assert {path.name for path in folder.iterdir()} == FILES


def test_groups_of_an_older_comparison_do_not_stay(result, tmp_path):
    result.save(tmp_path)
    dataclasses.replace(result, groups=result.groups.iloc[:0]).save(tmp_path)
    assert set(os.listdir(tmp_path)) == FILES - {"groups.csv"}


def test_names_keep_to_one_line_of_markdown(result):
    named = dataclasses.replace(result, table=result.table.rename(index={result.table.index[0]: "a\n|b"}))
    lines = named.to_markdown().partition("\n\n")[0].splitlines()
    assert len(lines) == 2 + len(result.table)
    assert lines[2].startswith(r"| a \|b ")


def test_a_failed_save_leaves_the_old_file_and_no_half_written_one(result, tmp_path, monkeypatch):
    result.save(tmp_path)
    before = (tmp_path / "plot.png").read_bytes()

    def fail(self, path, **options):
        with open(path, "wb") as file:
            file.write(b"half a pic")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        result.save(tmp_path)
    assert (tmp_path / "plot.png").read_bytes() == before
    assert set(os.listdir(tmp_path)) == FILES


def test_pickles(result):
    copy = pickle.loads(pickle.dumps(result))
    pd.testing.assert_frame_equal(copy.table, result.table)
    assert repr(copy) == repr(result)


def test_summary_says_what_was_tested_and_what_is_averaged():
    X, y, subject = clips()
    y = pd.DataFrame({"valence": y, "arousal": y})
    held_out = [(np.arange(20, 60), np.arange(7))]
    models = {"mean": DummyRegressor()}
    own = compare(models, X, y, groups=subject, cv=held_out, scoring="ccc", verbose=False)
    said = " ".join(repr(own).split())
    assert "7 of 60 rows tested, 1 of 6 groups tested, 1 fold; means over 2 targets; no intervals" in said
    several = compare({"trees": ExtraTreesRegressor(2)}, X, X["a"], n_seeds=2, verbose=False)
    assert "5 folds, up to 2 seeds; intervals: bootstrap over rows" in repr(several)
    assert "ccc, ± of seeds" in several.to_markdown()


def test_people_on_both_sides_of_a_fold_are_pointed_out():
    X, y, subject = clips()
    X, models = X.drop(index="r7").assign(subject=np.delete(subject, 7)), {"mean": DummyRegressor()}
    y = y.drop(index="r7")
    with pytest.warns(UserWarning, match="X has a column 'subject', and rows of one subject are trained on"):
        compare(models, X, y, cv=KFold(5), verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(models, X, y, groups="subject", verbose=False)
        compare(models, X, y, cv=list(LeaveOneGroupOut().split(X, y, X["subject"])), verbose=False)


def test_nothing_that_can_fail_comes_after_the_fits(monkeypatch):
    def fail(*arguments):
        raise OSError("no versions here")

    class Refuses(DummyRegressor):
        def fit(self, X, y):
            raise AssertionError("fitted")

    X, y, subject = clips()
    for name in ("package_versions", "fingerprint", "described", "not_repeatable", "rows_of", "plain"):
        with monkeypatch.context() as patch:
            patch.setattr(f"avfusion.model_selection.comparison._compare.{name}", fail)
            with pytest.raises(OSError, match="no versions here"):
                compare({"a": Refuses()}, X, y, groups=subject, error_score="raise", verbose=False)
