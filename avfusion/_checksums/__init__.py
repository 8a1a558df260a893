"""Checksums of what this package writes: within tables, and beside the files of a result."""

from avfusion._checksums._sums import SUMS, check_sums, write_sums
from avfusion._checksums._tables import check_table, write_table

__all__ = ["SUMS", "check_sums", "check_table", "write_sums", "write_table"]
