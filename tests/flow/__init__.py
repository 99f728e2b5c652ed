"""Flow tests of the real handlers. In-memory clients and a queue model replace AWS.

The tests play every crash point, and random histories.
"""
