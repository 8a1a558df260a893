"""Attacks with hostile inputs, kills, full disks and clocks, and what came of them.

A module of this package is a class of attacks; the first line of its docstring is the title of its row in
docs/what_held.md. It has one of these, or both::

    def cases(folder, rng):         # inputs: yield Case(name, run)
    def events(repeats, rng):       # kills, full disks: yield Event(name, times, outcomes, good)

``prepare(folder)``, if there is one, makes files for the cases once. ``python -m benchmarks.faults`` runs
them.
"""
