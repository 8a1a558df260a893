"""Files of a small folder of recordings."""

import io
import os
from pathlib import Path

import numpy as np

FRAMES = np.arange(10.0).reshape(5, 2) / 4
LABELS = np.array([0.5, -0.25, 0.125, 1.0, 0.75])


def write(folder, files):
    """Write files, given as bytes, text, or an array, by their path below the folder."""
    for name, content in files.items():
        path = Path(os.fsdecode(os.path.join(os.fsencode(folder), os.fsencode(name))))
        path.parent.mkdir(parents=True, exist_ok=True)
        content = npy(content) if isinstance(content, np.ndarray) else content
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def npy(array, **options):
    """Return the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def good(**changed):
    """Return a folder of two recordings with some of its files changed; None leaves one out."""
    files = {"audio/a.npy": FRAMES, "audio/b.npy": FRAMES + 1}
    files |= {f"labels/{name}.csv": "".join(f"{label}\n" for label in LABELS) for name in "ab"}
    files |= {name.replace("__", "/"): content for name, content in changed.items()}
    return {name: content for name, content in files.items() if content is not None}


def with_audio(content):
    return good() | {"audio/a.npy": content}
