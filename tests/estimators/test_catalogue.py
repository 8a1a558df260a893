import inspect

import avfusion as av
from avfusion.estimators import all_estimators


def test_lists_every_public_regressor_once():
    table = all_estimators()
    public = {name for name in av.__all__ if name.endswith("Regressor")} - {"FusionRegressor"}
    assert set(table.index) == public
    assert table.index.is_unique
    assert all(getattr(av, name) is cls for name, cls in table["estimator"].items())


def test_what_is_published_says_so_in_its_references():
    table = all_estimators()
    published = table[table["published in"] != ""]
    assert "RecursiveJointAttentionRegressor" in published.index
    for cls, source in zip(published["estimator"], published["published in"]):
        assert source in inspect.getdoc(cls).partition("References")[2]


def test_classical_ones_take_aligned_streams_of_any_length():
    classical = all_estimators().query("`published in` == ''")
    assert classical["any length"].all()
    assert {"EarlyFusionRegressor", "FrameRegressor"} <= set(classical.index)
