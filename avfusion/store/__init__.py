"""Stores: recordings on the disk in a form that is opened at once, checked, and larger than memory may be."""

from avfusion.store._read import read_store
from avfusion.store._write import write_store
from avfusion.store._writer import StoreWriter

__all__ = ["StoreWriter", "read_store", "write_store"]
