"""Helpers for tests on recorded resources."""

from lab.recording.recording import Recorded, Recording


def only(recording: Recording, token: str) -> Recorded:
    """The one resource of the type."""
    (found,) = recording.of_type(token)
    return found
