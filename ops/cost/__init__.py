"""Cost of a stack, from its configuration, measured facts and a table of list prices."""
