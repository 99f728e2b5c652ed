"""Actions on the functions of a deployed stack: moving callers to new versions and back, deleting old ones."""
