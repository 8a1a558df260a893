"""Search parameters with Optuna: trials are pruned inside cross-validation, and searches resumed."""
