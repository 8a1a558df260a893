"""Write files and folders so that they appear under their name only when they are complete, or not at all.

Everything that this package writes goes through here: a file by `atomic_write`, a folder by `StagedFolder`.
What a killed process leaves behind is hidden, and removed by the next one that writes the same name.
"""

from avfusion._atomic._fallback import write_or_keep
from avfusion._atomic._file import atomic_write, check_file, named
from avfusion._atomic._interrupts import was_written
from avfusion._atomic._leftovers import clear_folder, clear_leftovers, leftovers
from avfusion._atomic._staged_folder import StagedFolder, scratch_folder

__all__ = [
    "StagedFolder",
    "atomic_write",
    "check_file",
    "clear_folder",
    "clear_leftovers",
    "leftovers",
    "named",
    "scratch_folder",
    "was_written",
    "write_or_keep",
]
