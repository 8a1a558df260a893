"""Check whether information about the test rows leaks into training."""
