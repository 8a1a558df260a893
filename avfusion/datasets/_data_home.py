"""The folder of downloaded data sets, and downloads that are verified by checksum."""

import os
import shutil
import warnings
from contextlib import contextmanager
from pathlib import Path

import pooch

from avfusion._atomic import atomic_write, clear_folder, scratch_folder
from avfusion._plain_file import has_content

ENVIRONMENT_VARIABLE = "AVFUSION_DATA"


def get_data_home(data_home=None):
    """Return the folder that holds the downloaded data sets, one folder each. It is not created.

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
    """Download the files of a data set that are missing or have another checksum.

    Files with the right checksum are not touched, so that a complete folder needs no network. A file with
    another checksum is downloaded again, with a warning. A download has a temporary name in the same folder
    until its checksum is verified, so that an interrupted or corrupted one never appears under the final
    name; what a killed one left is removed by the next. A failed download leaves no empty folder.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the data set; created by the first download.
    base_url : str
        Address that the relative paths are appended to, with the final slash.
    checksums : dict of str to str
        SHA-256 of each file, by its path relative to both `folder` and `base_url`, with forward slashes.
    download_if_missing : bool, default=True
        Whether the network may be used.

    Returns
    -------
    dict of str to pathlib.Path
        Path of each file.

    Raises
    ------
    OSError
        If a file is missing or has another checksum, and downloading is not allowed or failed. The message
        names the file and the folder.
    ValueError
        If a downloaded file has another checksum.
    """
    for place in {(folder / name).parent for name in checksums}:
        clear_folder(place)
    for name in checksums:
        problem = _problem(folder / name, checksums[name])
        if problem and not download_if_missing:
            raise OSError(
                f"{name} {problem} in {folder}. Allow the download with download_if_missing=True, or pass "
                f"the data_home that holds the folder {folder.name!r} (or set {ENVIRONMENT_VARIABLE} to it)."
            )
        if problem:
            _download(folder, name, problem, {"base_url": base_url, "registry": checksums})
    return {name: folder / name for name in checksums}


def _problem(path, checksum):
    """Return what is wrong with a file, as words that follow its name; None if nothing is."""
    if not path.is_file():
        return "is missing"
    if not has_content(path) or pooch.file_hash(str(path), alg="sha256") != checksum:
        return "has another checksum than the published file"
    return None


def _download(folder, name, problem, source):
    """Download a file that is missing or has another checksum."""
    target = folder / name
    if problem != "is missing":
        warnings.warn(f"{name} {problem} in {folder}; it is downloaded again.", stacklevel=4)
    existing = next(parent for parent in target.parents if parent.exists())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(target) as scratch, _said(name, folder):
            store = pooch.create(path=scratch, retry_if_failed=2, **source)
            fetched = store.fetch(name)
            with atomic_write(target) as part:
                shutil.copyfile(fetched, part)
    except OSError as error:  # the errors of requests are among them
        raise OSError(
            f"{name} {problem} in {folder}, and could not be downloaded from "
            f"{source['base_url']}{name}: {error}. Without a network, put the file there by hand."
        ) from error
    finally:
        _remove_empty(target.parent, existing)


@contextmanager
def _said(name, folder):
    """Log what is downloaded, and not that it goes to a hidden folder first."""
    logger = pooch.get_logger()
    logger.info("Downloading %s to %s.", name, folder)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _remove_empty(folder, existing):
    """Remove a folder and its parents, up to one that existed before, if they are empty."""
    while folder != existing and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
