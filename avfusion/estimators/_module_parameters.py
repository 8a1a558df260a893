"""Parameters that hold a torch module's class, with the module's own parameters as ``name__parameter``."""

import inspect
from dataclasses import fields
from functools import partial, wraps
from typing import ClassVar

from avfusion._sklearn_compat import InvalidParameterError
from avfusion.networks._checks import check_builds


class ModuleParameters:
    """Base of the estimators that build a module from one of their parameters, as skorch does.

    A subclass names such parameters in `_modules`. Where they are fields, users give a callable, and the
    parameters of what it builds as ``name__parameter``. A subclass of that one may instead fix the callable
    (``core = LowRankFusion``): the parameter is then gone from ``__init__``. Either way the callable is also
    given those of the estimator's parameters that its signature names, such as ``dropout``.
    """

    _modules: ClassVar[dict] = {}  # name of the parameter -> number of arguments that are given by position

    def __init_subclass__(cls, **kwargs):
        for name in cls._modules.keys() & vars(cls).keys():
            if name not in inspect.get_annotations(cls):  # as a ClassVar it is no field of the dataclass
                cls.__annotations__ = inspect.get_annotations(cls) | {name: ClassVar}
        super().__init_subclass__(**kwargs)
        for name in cls._modules.keys() & vars(cls).keys() - cls._open_modules():
            value = vars(cls)[name]
            if not isinstance(value, (type, staticmethod)):  # a function must not become a method
                setattr(cls, name, staticmethod(value))
        if cls._open_modules():
            cls.__init__ = _with_module_parameters(cls.__init__, cls._prefixes())

    @classmethod
    def _open_modules(cls):
        """Return the names of the parameters that a user gives a callable for; none where all are fixed."""
        return cls._modules.keys() & {field.name for field in fields(cls)}

    @classmethod
    def _prefixes(cls):
        return tuple(f"{name}__" for name in cls._open_modules())

    def get_params(self, deep=True):
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of modules that have their default.

        Returns
        -------
        dict
            Parameters of modules as ``core__rank``.
        """
        own = {name: value for name, value in vars(self).items() if name.startswith(self._prefixes())}
        defaults = {key: value for name in self._open_modules() for key, value in self._defaults(name)}
        return super().get_params(deep) | (defaults if deep else {}) | own

    def set_params(self, **params):
        """Set parameters, those of modules as ``core__rank``.

        A new `core` (or `network`) leaves behind what was set for the former one, unless it takes it too.

        Parameters
        ----------
        **params : dict
            New values by name.

        Returns
        -------
        estimator
            The estimator itself.
        """
        of_modules = {name: value for name, value in params.items() if name.startswith(self._prefixes())}
        super().set_params(**{name: value for name, value in params.items() if name not in of_modules})
        for name in self._open_modules() & params.keys():
            taken = _taken_by(params[name], self._modules[name])
            for key in [key for key in self._given(name) if not taken(key)]:
                delattr(self, f"{name}__{key}")
        vars(self).update(of_modules)
        return self

    def _check_modules(self):
        """Raise where a callable is not given, or is given parameters that it has not."""
        for name in sorted(self._open_modules()):
            build = getattr(self, name)
            if build is None:
                raise InvalidParameterError(
                    f"{name} is not given: set {name} to a class or function that returns a torch module. "
                    "docs/add_your_method.md shows how."
                )
            check_builds(build, name)
            known, taken = _own_parameters(build, self._modules[name]), _taken_by(build, self._modules[name])
            for given in self._given(name):
                if not taken(given):
                    raise InvalidParameterError(
                        f"{name}__{given}: {_title(build)} has no parameter {given!r}. "
                        f"It has {', '.join(known) or 'none'}."
                    )

    def _built_by(self, name):
        """Return the callable of a parameter with all arguments but those given by position."""
        build = getattr(self, name)
        named = _own_parameters(build, self._modules[name])
        shared = {key: value for key, value in self._shared().items() if key in named}
        return partial(build, **shared | self._given(name))

    def _shared(self):
        return {
            field.name: getattr(self, field.name) for field in fields(self) if field.name not in self._modules
        }

    def _given(self, name):
        if name not in self._open_modules():
            return {}
        prefix = f"{name}__"
        return {
            key.removeprefix(prefix): value for key, value in vars(self).items() if key.startswith(prefix)
        }

    def _defaults(self, name):
        """Yield the parameters of a module that have a default and are none of the estimator's."""
        if callable(getattr(self, name)):
            named = _own_parameters(getattr(self, name), self._modules[name])
            for key, parameter in named.items():
                if parameter.default is not parameter.empty and key not in self._shared():
                    yield f"{name}__{key}", parameter.default


def _signature(build):
    try:
        return list(inspect.signature(build).parameters.values())
    except (TypeError, ValueError):  # no callable, or one of C code that does not tell
        return []


def _own_parameters(build, n_positional):
    """Return the parameters of a callable behind the first ones, which are given by position."""
    parameters = _signature(build)[n_positional:]
    return {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def _taken_by(build, n_positional):
    """Return a function that tells whether a callable takes a parameter of some name."""
    parameters = _signature(build)
    own, first = _own_parameters(build, n_positional), {p.name for p in parameters[:n_positional]}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return lambda name: name in own or (takes_any and name not in first)


def _with_module_parameters(init, prefixes):
    """Let ``__init__`` take the parameters of modules too."""

    @wraps(init)
    def __init__(self, *args, **parameters):
        of_modules = {name: parameters.pop(name) for name in list(parameters) if name.startswith(prefixes)}
        init(self, *args, **parameters)
        for name in self._modules.keys() - self._open_modules():  # fixed by a subclass: not to be hidden
            vars(self).pop(name, None)
        vars(self).update(of_modules)

    return __init__


def _title(build):
    return getattr(build, "__name__", None) or repr(build)
