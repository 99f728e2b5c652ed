"""Random histories of the whole pipeline: generated from a seed, played, judged by a model, and shrunk where they fail.

A history is data (:mod:`~tests.flow.simulator.steps`): a list of steps, any of which can be left out. That is what lets
a failing one shrink to the few steps that matter, and be replayed from a file.
"""
