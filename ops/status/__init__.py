"""`status`: reads a stack, and judges what it read."""
