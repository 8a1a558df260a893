from tests.estimators.conftest import ragged
from tests.networks.conftest import make_batch, randomise

__all__ = ["make_batch", "ragged", "randomise"]
