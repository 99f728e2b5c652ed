"""Incidents on the simulated stack: what pages, what `python -m ops status` reports, and which commands end them."""
