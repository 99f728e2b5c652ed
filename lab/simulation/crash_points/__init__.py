"""Plays every path of the handlers once per call and fault: at each call, each fault that can happen to it.

Of a long series of calls of one operation, only three are crash points.

Nobody lists the calls by hand: an undisturbed run records them. So a call that is added to a handler is a new crash
point.
"""
