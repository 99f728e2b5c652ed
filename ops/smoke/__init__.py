"""An order that proves a deployed stack: placed through its public door, followed to its end."""
