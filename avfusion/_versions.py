"""Versions of Python and of installed packages."""

import platform
from importlib import metadata

_PACKAGES = ("avfusion", "numpy", "pandas", "scikit-learn", "torch", "skorch", "optuna")


def package_versions(packages=_PACKAGES):
    """Return the versions of Python and of those packages that are installed.

    Parameters
    ----------
    packages : iterable of str
        By default those that results depend on.

    Returns
    -------
    dict of str to str
        Without packages that are not installed.

    Examples
    --------
    >>> list(package_versions(["numpy", "not-installed"]))
    ['python', 'numpy']
    """
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
