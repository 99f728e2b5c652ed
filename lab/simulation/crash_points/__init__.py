"""Plays each path of the handlers again and again: each time with another crash point or another fault.

The crash points of a path are the calls that the handler makes. Each call is played with every fault that it can have.
If the handler calls one operation many times in a row, only three of these calls are crash points.

Nobody lists the calls by hand: an undisturbed run records them. So a call that is added to a handler becomes a new
crash point.
"""
