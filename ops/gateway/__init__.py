"""Calls of the tools to AWS: one small module per use of a service. `deploy` and `preflight` also call AWS directly."""
