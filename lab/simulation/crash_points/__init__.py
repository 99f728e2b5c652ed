"""Plays each path of the handlers again and again: each time with another crash point or another fault.

The crash points of a path are the calls that the handler makes. At each of them, every fault is played that can happen
to this call. Of a long series of calls of one operation, only three are crash points.

Nobody lists the calls by hand: an undisturbed run records them. So a call that is added to a handler becomes a new
crash point.
"""
