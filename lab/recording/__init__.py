"""Records the resources that the program registers, without an engine."""
