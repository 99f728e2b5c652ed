"""Actions on the functions of a deployed stack: move callers to new versions and back, and delete old versions."""
