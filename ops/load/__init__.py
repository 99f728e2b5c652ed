"""A load test of a deployed stack: orders at a rate, each followed to its end, and a verdict."""
