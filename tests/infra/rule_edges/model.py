"""Types of the tables of edge cases."""

Edge = tuple[dict[str, str], dict[str, str], str]
"""An edge case: keys that break a rule, keys that satisfy it, and words of the message about the broken rule."""

Edges = dict[tuple[str, ...], Edge]
"""Edge cases. A key is a rule's name and a case's name. The case's name may be missing if the rule has one case."""

LOCAL = {"environment": "local", "local_endpoint": "http://127.0.0.1:4566"}
"""Configuration of a stack on the embedded AWS."""
