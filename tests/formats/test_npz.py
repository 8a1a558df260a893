"""Archives of arrays."""

import numpy as np

from avfusion.formats._npz import read


def test_one_array_is_a_stream(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.eye(3))
    np.testing.assert_array_equal(next(iter(read(tmp_path / "a.npz"))).values, np.eye(3))
