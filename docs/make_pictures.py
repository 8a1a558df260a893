"""Draw the data flow of every fusion method, docs/pictures/<method>.toml, to <method>.svg beside it.

Columns from left to right, what flows along the arrows are sequences. ``make derived`` draws again.
"""

import tomllib
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

FOLDER = Path(__file__).parent / "pictures"
STEP, HEIGHT = 1.75, 0.95  # inches from one column to the next, and from the upper row to the lower

# name: (x, y, text); y is 1 for the first stream, 0 for the second, .5 for what belongs to both
STREAMS = {"a": (0, 1, "audio\n(T, D)"), "v": (0, 0, "video\n(T, D)")}
ENCODERS = {"ea": (1, 1, "LSTM"), "ev": (1, 0, "LSTM")}
TO_ENCODERS = [("a", "ea"), ("v", "ev")]


def pictures():
    """Return boxes and arrows of every picture by its name, from the files beside the pictures."""
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.toml"))}


def read(path):
    """Return the boxes and arrows of one file.

    Where the file says which boxes are `joined`, encoders, joint LSTM and prediction are added.
    """
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    nodes = STREAMS | {name: tuple(box) for name, box in content["boxes"].items()}
    arrows = [tuple(arrow.split()) for arrow in content["arrows"]]
    if "joined" not in content:
        return nodes, arrows
    x = 1 + max(column for column, _, _ in nodes.values())
    nodes = STREAMS | ENCODERS | nodes | {"j": (x, 0.5, "concatenate\nLSTM"), "h": (x + 1, 0.5, "prediction")}
    return nodes, [*TO_ENCODERS, *arrows, *((core, "j") for core in content["joined"]), ("j", "h")]


def draw(nodes, arrows):
    """Return the figure of a network."""
    columns = 1 + max(x for x, _, _ in nodes.values())
    bent = any(source == target or nodes[target][0] - nodes[source][0] > 1 for source, target in arrows)
    room = 0.95 if bent else 0.5
    low, high = (HEIGHT * end(y for _, y, _ in nodes.values()) for end in (min, max))
    figure = Figure(figsize=(STEP * columns, high - low + 2 * room))
    ax = figure.add_axes((0, 0, 1, 1))
    for x, y, text in nodes.values():
        ends = "\n(T, D)" in text or text == "prediction"
        box = FancyBboxPatch(
            (STEP * x - 0.55, HEIGHT * y - 0.27), 1.1, 0.54, boxstyle="round,pad=0.06",
            facecolor="white" if ends else "0.92", edgecolor="0.3", linewidth=1,
        )  # fmt: skip
        ax.add_patch(box)
        ax.text(STEP * x, HEIGHT * y, text, ha="center", va="center", fontsize=7.5)
    for source, target in arrows:
        ax.annotate("", **arrow(nodes[source], nodes[target]))
    ax.set_xlim(-0.8, STEP * (columns - 1) + 0.8)
    ax.set_ylim(low - room, high + room)
    ax.set_aspect("equal")
    ax.axis("off")
    return figure


def arrow(source, target):
    """Return how the arrow between two boxes is drawn; from a box to itself it is a loop above it."""
    (x0, y0, _), (x1, y1, _) = source, target
    x0, x1, y0, y1 = STEP * x0, STEP * x1, HEIGHT * y0, HEIGHT * y1
    line = {"arrowstyle": "-|>", "color": "0.2", "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    if source == target:
        side = 1 if y0 > 0.4 else -1
        line["connectionstyle"] = f"arc3,rad={-0.9 * side}"
        return {
            "xytext": (x0 - 0.3, y0 + 0.33 * side),
            "xy": (x0 + 0.3, y0 + 0.33 * side),
            "arrowprops": line,
        }
    if x0 == x1:  # between boxes of one column, both ways
        side = 1 if y1 > y0 else -1
        x = x0 + 0.12 * side
        return {"xytext": (x, y0 + 0.33 * side), "xy": (x, y1 - 0.33 * side), "arrowprops": line}
    if x1 - x0 > 1.5 * STEP:  # past a box between
        side = 1 if y0 > 0.4 else -1
        line["connectionstyle"] = f"arc3,rad={-0.28 * side}"
        return {
            "xytext": (x0 + 0.4, y0 + 0.33 * side),
            "xy": (x1 - 0.4, y1 + 0.33 * side),
            "arrowprops": line,
        }
    return {
        "xytext": (x0 + 0.61, y0),
        "xy": (x1 - 0.61, y1 + 0.12 * (y0 > y1) - 0.12 * (y0 < y1)),
        "arrowprops": line,
    }


def main():
    """Draw all pictures."""
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "avfusion", "font.family": "sans-serif"}):
        for name, (nodes, arrows) in pictures().items():
            draw(nodes, arrows).savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
