"""Incidents on the simulated stack: what pages, what `python -m ops status` says, and how its commands end them."""
