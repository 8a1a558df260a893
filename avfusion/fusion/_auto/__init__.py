"""The parts of `AutoFusionRegressor`: candidates, their held-out predictions, the rule that combines them."""

__all__ = []
