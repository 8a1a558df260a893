"""Draw the data flow of every fusion method to docs/pictures/<method>.svg.

Columns from left to right, what flows along the arrows are sequences. To draw again::

    python docs/make_pictures.py
"""

from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

FOLDER = Path(__file__).parent / "pictures"
STEP, HEIGHT = 1.75, 0.95  # inches from one column to the next, and from the upper row to the lower

# name: (x, y, text); y is 1 for the first stream, 0 for the second, .5 for what belongs to both
STREAMS = {"a": (0, 1, "audio\n(T, D)"), "v": (0, 0, "video\n(T, D)")}
ENCODED = STREAMS | {"ea": (1, 1, "LSTM"), "ev": (1, 0, "LSTM")}
TO_ENCODERS = [("a", "ea"), ("v", "ev")]


def ended(x, cores, arrows, nodes):
    """Add the joint LSTM and the head behind what the core gives."""
    nodes = ENCODED | nodes | {"j": (x, 0.5, "concatenate\nLSTM"), "h": (x + 1, 0.5, "prediction")}
    return nodes, [*TO_ENCODERS, *arrows, *((core, "j") for core in cores), ("j", "h")]


ATTEND = {
    "ca": (2, 1, "correlate with\n[audio, video],\nattend, add"),
    "cv": (2, 0, "correlate with\n[audio, video],\nattend, add"),
}
CROSSED = [("ea", "ca"), ("ea", "cv"), ("ev", "ca"), ("ev", "cv")]

PICTURES = {
    "early": (
        STREAMS | {"c": (1, 0.5, "concatenate\nLSTM"), "l": (2, 0.5, "LSTM"), "h": (3, 0.5, "prediction")},
        [("a", "c"), ("v", "c"), ("c", "l"), ("l", "h")],
    ),
    "late": (
        STREAMS
        | {"ma": (1, 1, "any\nestimator"), "mv": (1, 0, "any\nestimator")}
        | {"pa": (2, 1, "prediction"), "pv": (2, 0, "prediction")}
        | {"w": (3, 0.5, "mean, weights\nor stacking"), "h": (4, 0.5, "prediction")},
        [("a", "ma"), ("v", "mv"), ("ma", "pa"), ("mv", "pv"), ("pa", "w"), ("pv", "w"), ("w", "h")],
    ),
    "cross_attention": ended(
        3,
        ("ca", "cv"),
        CROSSED,
        {
            "ca": (2, 1, "correlate with\nvideo, attend,\ntanh of the sum"),
            "cv": (2, 0, "correlate with\naudio, attend,\ntanh of the sum"),
        },
    ),
    "joint_cross_attention": ended(3, ("ca", "cv"), CROSSED, ATTEND),
    "recursive_joint_attention": ended(3, ("ca", "cv"), [*CROSSED, ("ca", "ca"), ("cv", "cv")], ATTEND),
    "dynamic_cross_attention": ended(
        4,
        ("ga", "gv"),
        [*CROSSED, ("ca", "ga"), ("cv", "gv"), ("ea", "ga"), ("ev", "gv")],
        ATTEND
        | {
            "ga": (3, 1, "gate per step:\nattended\nor not"),
            "gv": (3, 0, "gate per step:\nattended\nor not"),
        },
    ),
    "gated_recursive_joint_attention": ended(
        4,
        ("ga", "gv"),
        [*CROSSED, ("ca", "ca"), ("cv", "cv"), ("ca", "ga"), ("cv", "gv"), ("ea", "ga"), ("ev", "gv")],
        ATTEND
        | {
            "ga": (3, 1, "gate per step:\nwhich of the\nrecursions"),
            "gv": (3, 0, "gate per step:\nwhich of the\nrecursions"),
        },
    ),
    "leader_follower": (
        STREAMS
        | {"ea": (1, 1, "LSTM or TCN\n(leader)"), "ev": (1, 0, "LSTM or TCN\n(follower)")}
        | {
            "s": (2, 0.5, "per step: attend\nacross streams"),
            "j": (3, 0.5, "leader beside\nall attended\nLSTM"),
        }
        | {"h": (4, 0.5, "prediction")},
        [*TO_ENCODERS, ("ea", "s"), ("ev", "s"), ("s", "j"), ("ea", "j"), ("j", "h")],
    ),
    "multimodal_transformer": ended(
        4,
        ("sa", "sv"),
        [("ea", "ca"), ("ev", "ca"), ("ea", "cv"), ("ev", "cv"), ("ca", "sa"), ("cv", "sv")],
        {
            "ca": (2, 1, "transformer:\naudio asks\nvideo"),
            "cv": (2, 0, "transformer:\nvideo asks\naudio"),
            "sa": (3, 1, "transformer:\nitself"),
            "sv": (3, 0, "transformer:\nitself"),
        },
    ),
    "bottleneck_transformer": ended(
        3,
        ("ta", "tv"),
        [("ea", "ta"), ("ev", "tv"), ("ta", "b"), ("b", "ta"), ("tv", "b"), ("b", "tv")],
        {"ta": (2, 1.5, "transformer"), "b": (2, 0.5, "4 shared tokens"), "tv": (2, -0.5, "transformer")},
    ),
    "gated_multimodal_unit": ended(
        3,
        ("g",),
        [("ea", "g"), ("ev", "g")],
        {"g": (2, 0.5, "per step:\nz tanh(audio) +\n(1 - z) tanh(video)")},
    ),
    "tensor_fusion": ended(
        3,
        ("g",),
        [("ea", "g"), ("ev", "g")],
        {"g": (2, 0.5, "per step: all\nproducts of\n[1, audio], [1, video]")},
    ),
    "low_rank_fusion": ended(
        3,
        ("g",),
        [("ea", "g"), ("ev", "g")],
        {"g": (2, 0.5, "per step: product\nof maps of rank r,\n[1, audio], [1, video]")},
    ),
}


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
    FOLDER.mkdir(exist_ok=True)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "avfusion", "font.family": "sans-serif"}):
        for name, (nodes, arrows) in PICTURES.items():
            draw(nodes, arrows).savefig(FOLDER / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
