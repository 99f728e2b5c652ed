"""Random histories of the whole pipeline: generated from a seed, played, checked by a model, and shrunk if they fail.

A history is data (:mod:`~lab.simulation.histories.steps`): a list of steps, each of which can be left out. So a failing
history can be shrunk to the few steps that matter, and be replayed from a file.
"""
