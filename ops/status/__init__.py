"""`status`: what is read of a stack, and what follows from it."""
