"""What acts on the functions of a deployed stack: moving callers to new versions, deleting old ones."""
