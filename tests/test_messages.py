"""One style of words: how messages and docstrings begin and end, and how long a message may be."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "avfusion"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 320  # characters, of which a value takes ten: three lines

# Messages of another style, and the reason.
EXCEPTIONS = {"too many indices for array.": "NumPy's words for the same mistake"}

# Parameters of the callers, where a message is about what they were given.
OF_CALLERS = {"y", "resume"}

# "Return whether", "Return", a noun phrase: what a summary says instead.
WEAK_BEGINNINGS = re.compile(r"(Tell|Whether|How|What|Answer|Say)\b")


def name_of(file):
    return file.relative_to(PACKAGE).as_posix()


def literal(node):
    """Return the text of an expression, {values} in braces; None where it holds no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
            for part in node.values
        )
    if isinstance(node, ast.BinOp):
        parts = literal(node.left), literal(node.right)
        return None if parts == (None, None) else "".join(part or "{value}" for part in parts)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".rstrip"):
        return literal(node.func.value)
    return None


def messages(tree):
    """Yield line and text of the exceptions and warnings that a file raises in words of its own."""
    for node in ast.walk(tree):
        call = node.exc if isinstance(node, ast.Raise) else node
        if not isinstance(call, ast.Call) or not call.args:
            continue
        if isinstance(node, ast.Raise) or ast.unparse(call.func) == "warnings.warn":
            text = literal(call.args[0])
            if text is not None and text not in EXCEPTIONS:
                yield call.lineno, text


def parameters(tree):
    """Return the names of the parameters of a file: arguments, and fields of classes."""
    fields = [node.target for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)]
    names = {field.id for field in fields if isinstance(field, ast.Name)}
    return names | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def begins_well(text, known):
    """Return whether a message begins with a capital, a value, or a name as code writes it."""
    if text.startswith("{"):  # of a row only "row 3" is known, which is no beginning
        return not re.match(r"\{(\w+\.)?(row_name|where)\(", text)
    if text[0].isupper() or text.startswith(("--", "'")):
        return True
    name, after = re.match(r"(\w*)(.?)", text).groups()
    return name in known or "_" in name or after in set("=[(")


def ends_well(text):
    """Return whether a message ends with a full stop, or with the sentence of another one."""
    return text.endswith(".") or re.search(r"[.:] \{[^{}]*(\{[^{}]*\}[^{}]*)*\}$", text) is not None


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_messages_are_sentences(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    known = parameters(tree) | OF_CALLERS
    for line, text in messages(tree):
        place = f"{name_of(file)}:{line}: {text!r}"
        assert begins_well(text, known), f"{place} begins neither with a capital nor with a name of the code"
        assert ends_well(text), f"{place} does not end with a full stop"
        assert len(re.sub(r"\{[^{}]*\}", 10 * "x", text)) <= LONGEST, f"{place} is longer than three lines"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_summaries_name_what_is_returned_or_done(file):
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        summary = (ast.get_docstring(node) or "") if isinstance(node, documented) else ""
        assert not WEAK_BEGINNINGS.match(summary), f"{name_of(file)}: {summary.splitlines()[0]!r}"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("X has no rows.", True),
        ("{name!r} has no rows.", True),
        ("rate_hz must be positive.", True),
        ("column must be a name.", True),
        ("the column is empty.", False),
        ("{row_name(row, index)} is empty.", False),
        ("The column is empty", False),
        ("The column holds {kind}", False),
        ("The file cannot be read: {error}", True),
    ],
)
def test_the_rule_itself(text, good):
    assert (begins_well(text, {"X", "column"}) and ends_well(text)) is good
