"""What the program registers, recorded without an engine."""
