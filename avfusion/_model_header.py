"""The header of a model file, read in bounded memory and compared with what it must be."""

import json
import math
import struct
import zipfile
from contextlib import contextmanager

from avfusion._plain_file import check_plain_file

FORMAT = 1
HEADER, MODEL = "avfusion.json", "model.joblib"
LARGEST = 1 << 20  # bytes of a header: ten thousand streams
_DIRECTORY = 1 << 16  # bytes of a directory of two members
_UTF_8 = 0x800  # the one flag of a member that may be set: none is encrypted, or patched
_BEGIN = b"PK\x03\x04"  # of the first member
_END = struct.Struct("<4s4H2LH")  # of an archive
_LARGE_END, _LOCATOR = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_LONGEST = 10_000  # characters of a text in the header


@contextmanager
def open_model(path):
    """Open a model file, of which all but the pickle was compared with what `save` writes.

    Parameters
    ----------
    path : pathlib.Path

    Yields
    ------
    archive : zipfile.ZipFile
    header : dict

    Raises
    ------
    ValueError
        If the file is something else, damaged, or has a newer format.
    OSError
        If there is no such file, or it cannot be read.
    """
    size = check_plain_file(path)
    with path.open("rb") as file:
        try:
            _check_end(file, size)
            archive = zipfile.ZipFile(file)
            header = _read(archive)
            if (
                isinstance(header, dict)
                and _is_number(header.get("format"), int)
                and header["format"] > FORMAT
            ):
                raise _NewerError(header)
            _check_members(archive, size)
            check_header(header)
        except _NewerError as error:
            raise ValueError(f"{path} was saved by avfusion {error}, which is newer: upgrade.") from None
        except _REFUSED as error:
            reason = " ".join(ascii(str(error))[1:-1].split()).rstrip(".")[:100] or type(error).__name__
            raise ValueError(
                f"{path} is not a model that avfusion saved, or only a part of one ({reason}). "
                "Models are written by avfusion.persistence.save and by the command avfusion fit."
            ) from error
        yield archive, header


class _NewerError(Exception):
    """A model of a later release."""

    def __init__(self, header):
        versions = header.get("versions")
        number = versions.get("avfusion") if isinstance(versions, dict) else None
        super().__init__(ascii(number)[1:-1][:20] if isinstance(number, str) else "of a later release")


# What zipfile and json raise for bytes that somebody else wrote.
_REFUSED = (zipfile.BadZipFile, KeyError, ValueError, RecursionError, EOFError, RuntimeError, struct.error)


def begins_as_model(path):
    """Return whether the first bytes of a plain file are those of a model.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    bool
    """
    name = HEADER.encode()
    with path.open("rb") as file:
        begin = file.read(30 + len(name))
    return begin[:4] == _BEGIN and begin[30:] == name


def _check_end(file, size):
    """Refuse an archive with a comment, or bytes behind it, or a directory of more than two members."""
    if size < _END.size:
        raise ValueError("It is too short.")
    file.seek(size - _END.size)
    signature, disk, first, here, entries, length, offset, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\x05\x06" or comment:
        raise ValueError("It is cut off, or goes on behind its end.")
    file.seek(max(size - _END.size - _LOCATOR.size, 0))
    large = file.read(4) == b"PK\x06\x07"  # which zipfile looks for in small archives, too
    if disk or first or (not large and (here != entries or length > _DIRECTORY or offset + length > size)):
        raise ValueError("Its end is damaged.")
    if large:
        _check_large_end(file, size)


def _check_large_end(file, size):
    """Bound the directory of an archive above 4 GB, whose end has two more records."""
    begin = size - _END.size - _LOCATOR.size - _LARGE_END.size
    if begin < 0:
        raise ValueError("It is too short.")
    file.seek(begin)
    signature, *_, length, offset = _LARGE_END.unpack(file.read(_LARGE_END.size))
    _, _, place, _ = _LOCATOR.unpack(file.read(_LOCATOR.size))
    if signature != b"PK\x06\x06" or place != begin or length > _DIRECTORY or offset + length > size:
        raise ValueError("Its end is damaged.")


def _read(archive):
    infos = [info for info in archive.infolist() if info.filename == HEADER]
    if len(infos) != 1:
        raise ValueError(f"It has {len(infos)} headers.")
    (info,) = infos
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ~_UTF_8 or info.file_size > LARGEST:
        raise ValueError("Its header is compressed, encrypted or too large.")
    with archive.open(info) as file:
        text = file.read(LARGEST + 1)
    try:
        return json.loads(text, object_pairs_hook=_only_once, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError("Its header is no JSON.") from error


def _only_once(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("Its header has a name twice.")
    return found


def _refuse_constant(name):
    raise ValueError(f"Its header holds {name}.")


def _check_members(archive, size):
    infos = archive.infolist()
    if [info.filename for info in infos] != [HEADER, MODEL]:
        raise ValueError("It has other members.")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ~_UTF_8:
            raise ValueError("Its members are compressed or encrypted.")
        if info.file_size != info.compress_size:
            raise ValueError("Its members have two sizes.")
    first, second = infos
    end = second.header_offset + second.file_size
    if first.header_offset or second.header_offset < first.file_size or end > size:
        raise ValueError("Its members do not lie one after the other.")


def check_header(header):
    """Raise a ValueError unless a header has the names, and the kinds of values, that `save` writes.

    Names beside these may be there.

    Parameters
    ----------
    header : object
        From JSON.

    Raises
    ------
    ValueError
        Naming what is missing or of another kind.

    Examples
    --------
    >>> check_header({"format": 1, "estimator": "Ridge()", "versions": {}, "modalities": None})
    Traceback (most recent call last):
    ...
    ValueError: Its header has no targets.
    """
    known = {
        "format": lambda value: _is_number(value, int) and value == FORMAT,
        "estimator": _is_text,
        "versions": lambda value: _is_mapping(value, _is_text),
        "modalities": lambda value: value is None or _is_mapping(value, _is_stream),
        "targets": _is_form,
    }
    if not isinstance(header, dict):
        raise ValueError("Its header is no mapping.")
    for name, is_right in known.items():
        if name not in header:
            raise ValueError(f"Its header has no {name}.")
        if not is_right(header[name]):
            raise ValueError(f"Its header has {name} of another kind.")


def _is_text(value):
    return isinstance(value, str) and len(value) <= _LONGEST


def _is_number(value, kind):
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_mapping(value, is_right):
    return isinstance(value, dict) and all(_is_text(name) and is_right(item) for name, item in value.items())


def _is_stream(value):
    if not (isinstance(value, dict) and {"width", "rate_hz"} <= set(value)):
        return False
    width, rate_hz = value["width"], value["rate_hz"]
    if not (_is_number(width, int) and 0 <= width < 2**63):
        return False
    return rate_hz is None or (
        _is_number(rate_hz, (int, float)) and 0 < rate_hz < 1e300 and math.isfinite(rate_hz)
    )


def _is_form(value):
    if not (isinstance(value, dict) and {"names", "per_frame"} <= set(value)):
        return False
    names = value["names"]
    good = names is None or (isinstance(names, list) and all(map(_is_text, names)))
    return good and (value["per_frame"] is None or isinstance(value["per_frame"], bool))
