"""Sends hostile requests and messages to the functions on the in-memory AWS, judged by the contract (docs/api.md)."""
