"""Where downloaded data lives, and how it gets there: verified by checksum, never half written."""

import os
import warnings
from pathlib import Path

import pooch

ENVIRONMENT_VARIABLE = "AVFUSION_DATA"


def get_data_home(data_home=None):
    """Folder that holds the downloaded data sets, one folder each. It is not created.

    Parameters
    ----------
    data_home : str or path-like, optional
        The folder itself. By default the environment variable ``AVFUSION_DATA``, and where that is unset or
        empty, ``~/avfusion_data``. A leading ``~`` is the home folder.

    Returns
    -------
    pathlib.Path
        The absolute path.

    Examples
    --------
    >>> from avfusion.datasets import get_data_home
    >>> get_data_home("/data/affect").name
    'affect'
    """
    if data_home is None:
        data_home = os.environ.get(ENVIRONMENT_VARIABLE) or Path("~") / "avfusion_data"
    return Path(data_home).expanduser().absolute()


def fetch_files(folder, base_url, checksums, *, download_if_missing=True):
    """Make sure that every file of a data set lies in `folder` with the right content.

    A file that is there with the right checksum is left alone, so that a complete folder needs no network.
    One with another checksum is fetched again, with a warning. A download goes to a temporary name in the
    same folder and is moved to its own name only when its checksum is right: what is interrupted or corrupted
    never appears under the final name. One that fails leaves no empty folder.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the data set; created by the first download.
    base_url : str
        Address in front of the relative paths, with the closing slash.
    checksums : dict of str to str
        SHA-256 of each file, by its path relative to both `folder` and `base_url`, with forward slashes.
    download_if_missing : bool, default=True
        Whether the network may be used.

    Returns
    -------
    dict of str to pathlib.Path
        Where each file lies.

    Raises
    ------
    OSError
        If a file is missing or has another content and may not be, or could not be, downloaded. Names the
        file and the folder.
    ValueError
        If what was downloaded has another checksum.
    """
    store = pooch.create(path=folder, base_url=base_url, registry=checksums, retry_if_failed=2)
    for name in checksums:
        problem = _problem(folder / name, checksums[name])
        if problem and not download_if_missing:
            raise OSError(
                f"{name} {problem} in {folder}. Allow the download with download_if_missing=True, or pass "
                f"the data_home that holds the folder {folder.name!r} (or set {ENVIRONMENT_VARIABLE} to it)."
            )
        if problem:
            _download(store, name, problem)
    return {name: folder / name for name in checksums}


def _problem(path, checksum):
    """Say what is wrong with a file, in words that follow its name; None if nothing is."""
    if not path.is_file():
        return "is missing"
    if pooch.file_hash(str(path), alg="sha256") != checksum:
        return "has another checksum than the published file"
    return None


def _download(store, name, problem):
    """Fetch one file that has a problem."""
    if problem != "is missing":
        warnings.warn(f"{name} {problem} in {store.abspath}; it is downloaded again.", stacklevel=4)
    folder = (Path(store.abspath) / name).parent
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        store.fetch(name)
    except OSError as error:  # the errors of requests are among them
        raise OSError(
            f"{name} {problem} in {store.abspath}, and could not be downloaded from "
            f"{store.get_url(name)}: {error}. Without a network, put the file there by hand."
        ) from error
    finally:
        _remove_empty(folder, existing)


def _remove_empty(folder, existing):
    """Remove a folder and those around it, up to one that was there before, as far as they are empty."""
    while folder != existing and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
