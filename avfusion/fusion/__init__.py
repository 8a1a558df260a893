"""Fusion methods, one file each: the torch module, the estimator, equations and reference.

Every name in the ``__all__`` of a file in this folder is public here.
"""

import importlib
import pkgutil

__all__ = []
for _file in pkgutil.iter_modules(__path__):
    _module = importlib.import_module(f"{__name__}.{_file.name}")
    for _name in _module.__all__:
        globals()[_name] = getattr(_module, _name)
        __all__ += [_name]
__all__.sort()
