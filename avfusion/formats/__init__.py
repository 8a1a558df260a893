"""Readers of files, one for each format, and producers whose tables are known by their columns.

A module with a ``FORMAT`` is a format, one with a ``PRODUCER`` a producer: nothing else names them.
"""
