"""Fair comparison and search: the same folds for all, intervals over groups, trials that can be resumed."""

import lazy_loader

# Now, or the name would be that of the module once somebody imports it; optuna waits until it is used.
from avfusion.model_selection.compare import compare as compare

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
