"""The orders pipeline: its components, their wiring and their permissions."""
