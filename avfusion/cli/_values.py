"""Read values, and nothing but values, from YAML and TOML, in bounded time and memory."""

import math
import re
import tomllib
from collections.abc import Mapping

import yaml

from avfusion._plain_file import check_plain_file
from avfusion.sequences._messages import brief

LARGEST = 1 << 18  # bytes of a file
_MOST = 10_000  # values, those that aliases repeat counted each time
_MOST_DIGITS = 1000  # of a whole number
_DEEPEST = 32  # lists and mappings in each other
_LONGEST = 10_000  # characters of a text
_GREATEST = 1 << 64  # of whole numbers
# Numbers that YAML 1.1 and 1.2 read differently: 010 as 8 or 10, 1:30 as 90 or as text.
_AMBIGUOUS = re.compile(r"[-+]?(0[0-9_]+|\d+(:[0-5]?\d)+(\.\d*)?)")


def read_text(path):
    """Return the text of a file of estimators.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is no plain file, larger than any file of estimators, or not in UTF-8.
    OSError
        If there is no such file.
    """
    check_plain_file(path, LARGEST)
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"Byte {error.start} is no UTF-8. Save it as text in UTF-8.") from error


def parse_yaml(text):
    r"""Read one document of YAML: text, numbers, true, false, null, lists and mappings.

    Parameters
    ----------
    text : str

    Returns
    -------
    object

    Raises
    ------
    ValueError
        In one line, with the line of the text. What YAML has beyond these values is refused: tags, documents
        after the first, names that are lists; also names given twice, and what grows by aliases beyond 10,000
        values.

    Examples
    --------
    >>> parse_yaml("lr: 1e-3\nwidths: [1, 5]")
    {'lr': 0.001, 'widths': [1, 5]}
    >>> parse_yaml("a: !!python/name:os.system")
    Traceback (most recent call last):
    ...
    ValueError: line 1: Tags such as !!python/name:os.system are not read. Write the plain value.
    """
    _check_length(text)
    try:
        _check_events(yaml.parse(text, Loader=yaml.SafeLoader))
        return check_values(yaml.load(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise ValueError(_in_one_line(error)) from error
    except (ArithmeticError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"It is no YAML: {brief(str(error))}.") from error


def parse_toml(text):
    """Read TOML: text, numbers, true, false, lists and mappings.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        In one line.

    Examples
    --------
    >>> parse_toml("lr = 1e-3")
    {'lr': 0.001}
    """
    _check_length(text)
    if text.count(".") > _MOST:  # tomllib takes the square of the names in a name
        raise ValueError("It is larger than any file of estimators.")
    if re.search(rf"[\d_]{{{_MOST_DIGITS}}}", text):
        raise ValueError(f"A number has more than {_MOST_DIGITS} digits.")
    try:
        return check_values(tomllib.loads(text))
    except RecursionError as error:
        raise ValueError(f"It has more than {_DEEPEST} lists and mappings in each other.") from error


def check_values(value):
    """Return a value if it is made of text, numbers of a size that something takes, lists and mappings.

    Parameters
    ----------
    value : object

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If it holds anything else, or too many of them.

    Examples
    --------
    >>> check_values({"alpha": 10**400})
    Traceback (most recent call last):
    ...
    ValueError: A number of 401 digits is larger than any parameter may be.
    """
    left, count = [(value, 0)], 0
    while left:
        value_, depth = left.pop()
        count += 1
        if count > _MOST or depth > _DEEPEST:
            raise ValueError("It is larger, or nested deeper, than any file of estimators.")
        _check_one(value_)
        if isinstance(value_, Mapping):
            left += [(item, depth + 1) for pair in value_.items() for item in pair]
        elif isinstance(value_, list):
            left += [(item, depth + 1) for item in value_]
    return value


def _check_one(value):
    if isinstance(value, int) and abs(value) > _GREATEST:
        digits = int(math.log10(abs(value))) + 1
        raise ValueError(f"A number of {digits} digits is larger than any parameter may be.")
    if isinstance(value, str) and len(value) > _LONGEST:
        raise ValueError(f"The text {brief(value, 30)} is longer than {_LONGEST} characters.")
    if value is not None and not isinstance(value, (str, bool, int, float, list, Mapping)):
        raise ValueError(f"A value is a {type(value).__name__}: write text in quotes, or a number.")


def _check_length(text):
    if len(text) > LARGEST:
        raise ValueError(f"It has more than {LARGEST} characters.")


def _check_events(events):
    """Refuse, before anything is built, what is larger than a file of estimators, or no plain value."""
    sizes, open_nodes, count, documents = {}, [], 0, 0
    for event in events:
        line = event.start_mark.line + 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise ValueError(f"line {line}: A second document begins here. Write one file for each.")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise ValueError(f"line {line}: *{event.anchor[:60]} stands for nothing, or for itself.")
            count += sizes[event.anchor]
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            _check_tag(event, line)
            if isinstance(event, yaml.ScalarEvent):
                sizes |= {event.anchor: 1} if event.anchor else {}
            else:
                open_nodes.append((event.anchor, count))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes |= {anchor: count - before + 1} if anchor else {}
        if count > _MOST or len(open_nodes) > _DEEPEST:
            raise ValueError(
                f"line {line}: It is larger, or nested deeper, than any file of estimators: {_MOST} values, "
                f"{_DEEPEST} lists in each other; aliases count as what they repeat."
            )


def _check_tag(event, line):
    if event.tag is not None:
        name = event.tag.replace("tag:yaml.org,2002:", "!!")
        raise ValueError(f"line {line}: Tags such as {name[:60]} are not read. Write the plain value.")
    if not isinstance(event, yaml.ScalarEvent):
        return
    if len(event.value) > _LONGEST:
        raise ValueError(f"line {line}: A text is longer than {_LONGEST} characters.")
    if event.implicit[0]:  # without quotes, so that it may be a number
        _check_number(event.value, line)


def _check_number(text, line):
    if len(text) > _MOST_DIGITS and text.strip("+-0123456789_") == "":
        raise ValueError(f"line {line}: A number has more than {_MOST_DIGITS} digits.")
    if _AMBIGUOUS.fullmatch(text):
        raise ValueError(
            f"line {line}: {brief(text)[1:-1]} is a number to some and another, or a text, to others: write "
            "it without the zero before it, in seconds, or in quotes."
        )


def _in_one_line(error):
    """Return what YAML says of an error, and where, without the lines of the file."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return f"{'' if mark is None else f'line {mark.line + 1}: '}{brief(str(what), 120)[1:-1]}."


class _Loader(yaml.SafeLoader):
    """YAML that takes 1e-3 for a number, dates for text, and no name twice."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a name is a list or a mapping", key.start_mark
                )
            name = self.construct_object(key)
            if name in seen or name != name:
                problem = "appears twice" if name in seen else "is no name"
                raise yaml.constructor.ConstructorError(
                    None, None, f"'{key.value}' {problem}", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)
