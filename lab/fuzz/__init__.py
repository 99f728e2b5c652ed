"""Hostile requests and messages against the functions on the in-memory AWS, judged by the contract (docs/api.md)."""
