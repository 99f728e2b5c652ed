"""Every call that the handlers make, on every path, met with every fault that it can meet.

Nothing here lists calls: they are recorded from the handlers. A call that is added to a handler is a new crash point.
"""
