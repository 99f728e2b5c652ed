"""Calls of the tools to AWS: one small module per use of a service. `cli`, `deploy` and `preflight` have calls, too."""
