"""What a stack costs, from its configuration, measured facts and a table of list prices."""
