"""Random histories of the whole pipeline: generated from a seed, played, judged by a model, and shrunk where they fail.

A history is data (:mod:`~lab.simulation.histories.steps`): a list of steps, any of which can be left out. So a failing
one shrinks to the few steps that matter, and can be replayed from a file.
"""
