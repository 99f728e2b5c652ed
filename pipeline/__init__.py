"""The business: which components there are, how they are wired, and who may do what on what."""
