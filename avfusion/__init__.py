"""avfusion: scikit-learn compatible audio-visual fusion for continuous affect.

Features per modality go in as columns of sequences, labels per frame or per clip, and every estimator is an
ordinary scikit-learn estimator: ``fit``, ``predict``, ``Pipeline``, ``cross_validate``, ``GridSearchCV``,
Optuna.
"""

from importlib.metadata import version

import lazy_loader

from avfusion import sequences as sequences  # at once: pandas knows sequence columns from here on

# The rest when it is first used, torch above all: reading sequences, or the help of the command, needs none.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = version("avfusion")
