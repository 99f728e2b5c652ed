"""Random histories of the whole pipeline: generated from a seed, played, checked by a model, and shrunk if they fail.

A history is a list of steps, stored as data (:mod:`~lab.simulation.histories.steps`). Any step can be left out, so a
failing history can be shrunk to the few steps that matter. A history can be written to a file and replayed from it.
"""
