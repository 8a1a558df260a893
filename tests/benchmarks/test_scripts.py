"""Each benchmark runs in its short form with tiny sizes and writes what it promises."""

import json

import numpy as np
import pytest
import torch

from benchmarks import gpu, load, long_table, overhead, parallel, scaling, store


def tables(folder, name):
    assert (folder / f"{name}.md").read_text().startswith(f"# {name}\n")
    return json.loads((folder / f"{name}.json").read_text())["tables"]


def test_overhead(tmp_path):
    sizes = ["--rows", "17", "--length", "10", "--hour", "400", "--repeats", "1"]
    overhead.main(["--short", "--output", str(tmp_path), *sizes])
    written = tables(tmp_path, "overhead")
    assert [row["features"] for row in written["fit against a bare loop"]] == ["64+128", "512+512"]
    assert written["fit against a bare loop"][0]["steps"] == 2  # 17 rows in batches of 16
    [ragged] = written["ragged rows against packed sequences"]
    assert ragged["packed / fit"] > 0
    [long] = written["prediction of a long recording"]
    assert long["steps"] == 400
    assert written["import"][0]["import (s)"] > 0


def test_scaling_of_products(tmp_path):
    scaling.main(
        ["--short", "--only-products", "--output", str(tmp_path), "--length", "10", "--repeats", "1"]
    )
    written = tables(tmp_path, "scaling")
    rows = written.pop("share of the rate of matrix products")
    assert [row["hidden"] for row in rows] == [32, 32]
    assert all(row["share of products"] > 0 for row in rows)
    assert len(written) == 2  # a profile for each
    for profile in written.values():
        assert 0 < sum(line["share"] for line in profile) <= 1.0001


def test_growth_in_a_fresh_process():
    case = {"rows": 4, "length": 20, "width": 3, "modalities": 2, "window": 10}
    grown = scaling.in_fresh_process(case)
    assert grown.items() >= case.items()
    assert grown["epoch (s)"] > 0
    assert grown["features (MB)"] == pytest.approx(4 * 20 * 3 * 2 * 4e-6)
    assert grown["fit adds at its peak (MB)"] >= 0


@pytest.mark.slow
def test_parallel(tmp_path):
    sizes = ["--megabytes", "1", "--length", "50", "--width", "32"]
    parallel.main(["--short", "--output", str(tmp_path), *sizes])
    written = tables(tmp_path, "parallel")
    workers = [row["worker"] for row in written["memory of the workers"]]
    assert workers == [1, 2, "both at once"]
    [throughput] = written["throughput"]
    assert throughput["fits"] == 4
    assert throughput["throughput of the search"] > 0


def test_gpu_on_a_cpu(tmp_path):
    sizes = ["--size", "32", "--batch", "2", "--length", "8", "--steps", "1"]
    gpu.main(["--short", "--device", "cpu", "--output", str(tmp_path), *sizes])
    written = tables(tmp_path, "gpu")
    rows = written["training steps, 512+512 features"]
    assert [(row["hidden"], row["precision"]) for row in rows] == [
        (hidden, precision) for hidden in (32, 256) for precision in ("float32", "tf32", "bfloat16")
    ]
    assert all(row["frames per second"] > 0 and row["share of peak"] > 0 for row in rows)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_says_where_there_is_none(tmp_path, capsys):
    gpu.main(["--output", str(tmp_path)])
    assert "no GPU" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_long_table(tmp_path):
    sizes = ["--frames", "600", "--features", "3", "--recordings", "4"]
    long_table.main(["--short", "--output", str(tmp_path), *sizes])
    [lines] = tables(tmp_path, "long_table").values()
    assert len(lines) == 12
    assert {(line["rows"], line["clock"]) for line in lines} == {
        (rows, clock) for rows in ("sorted", "interleaved") for clock in ("none", "frame", "time")
    }
    assert all(line["time / sort_values, to_numpy"] > 0 for line in lines)
    assert all(line["as_sequences (MB)"] >= 600 * 3 * 4e-6 for line in lines)


@pytest.mark.parametrize(("order", "clock"), [("sorted", "time"), ("interleaved", "frame")])
def test_both_ways_to_read_a_long_table_hold_the_same_numbers(order, clock):
    table, features = long_table.long_table(500, 3, 4, "float32", order, clock)
    assert (table["recording"].to_numpy() != np.sort(table["recording"])).any() == (order == "interleaved")
    both = long_table.tasks(table, features, clock)
    expected = both[long_table.VIEW]()
    X = both[long_table.OURS]().sort_values("recording")
    np.testing.assert_array_equal(np.concatenate([cell.frames for cell in X["all"]]), expected)
    np.testing.assert_array_equal(both[long_table.FRAMES](), expected)


@pytest.mark.slow
def test_store(tmp_path):
    sizes = ["--gb", "0.002", "--width", "16", "--steps", "400", "--opened", "3", "--folder", str(tmp_path)]
    store.main(["--short", "--output", str(tmp_path / "out"), *sizes])
    opened, trained, compared = (lines[0] for lines in tables(tmp_path / "out", "store").values())
    assert opened["recordings"] == 3
    assert min(opened["sizes (ms)"], opened["all hashes (ms)"]) > 0
    assert trained["store (GB)"] == pytest.approx(0.002, rel=0.2)
    assert trained["resident (MB)"] >= trained["mapped (MB)"]
    assert compared["weights differ by"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # the stores are removed again


def test_load_in_short(tmp_path):
    load.main(["--short", "--only", "columns", "folds", "--output", str(tmp_path)])
    written = tables(tmp_path, "load")
    assert list(written) == ["columns of metadata", "folds"]
    for row in (row for rows in written.values() for row in rows):
        assert len(row["processor (s)"].split()) == 2
        assert row["holds"] == (row["exponent of time"] <= row["at most"])
        assert row["memory at the largest (MB)"] >= 0


def test_growth_is_found_where_it_is():
    squares = load.growth(
        "squares", lambda n, folder: lambda: np.ones((n, n)) @ np.ones((n, 100)), [1, 1000, 4000]
    )
    assert squares["memory at the largest (MB)"] == pytest.approx(8 * 4000**2 / 1e6, rel=0.2)
    assert load.exponent([1, 10, 100, 1000], [5, 5, 1e4, 1e6]) == pytest.approx(2)
    with pytest.raises(RuntimeError, match="size 1: ValueError: no"):
        load.growth("fails", fails, [1])


def fails(size, folder):
    raise ValueError("no")
