import subprocess
import sys
import threading

import joblib
import pytest
from sklearn.linear_model import Ridge

from avfusion._by_value import check_can_be_saved, dump


def written(value, path):
    told = []

    def opened(by_value):
        told.append(by_value)
        return path.open("wb")

    dump(value, opened)
    return told


def test_what_can_be_imported_is_written_as_joblib_writes_it(tmp_path):
    model = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    assert written(model, tmp_path / "model") == [False]
    joblib.dump(model, tmp_path / "plain")
    assert (tmp_path / "model").read_bytes() == (tmp_path / "plain").read_bytes()


def test_what_no_module_holds_is_read_where_its_file_is_gone(tmp_path):
    names = {"__name__": "estimators of mine.py", "Ridge": Ridge}
    exec("class Mine(Ridge):\n    def predict(self, X):\n        return super().predict(X) + 1", names)
    model = names["Mine"](alpha=1e-9).fit([[0.0], [1.0]], [0.0, 1.0])
    assert written(model, tmp_path / "model") == [False, True]
    read = "import joblib, sys; print(joblib.load(sys.argv[1]).predict([[1.0]]).round(3))"
    run = [sys.executable, "-c", read, tmp_path / "model"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "[2.]\n"


def test_what_nothing_can_write_is_refused():
    with pytest.raises(ValueError, match=r"The list cannot be saved .*lock"):
        check_can_be_saved([threading.Lock()])
