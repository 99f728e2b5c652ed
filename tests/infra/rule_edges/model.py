"""Parts of a table of edges."""

Edge = tuple[dict[str, str], dict[str, str], str]
"""Keys that break a rule, keys that just keep it, words of the message."""

Edges = dict[tuple[str, ...], Edge]
"""Edges by the rule's name, followed by the case's where a rule has several."""

LOCAL = {"environment": "local", "local_endpoint": "http://127.0.0.1:4566"}
"""Keys of a stack on the embedded AWS."""
