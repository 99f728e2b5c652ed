"""Helpers for tests on recorded resources."""

from lab.recording.recording import Recorded, Recording


def only(recording: Recording, token: str) -> Recorded:
    """Return the only resource of the type."""
    (found,) = recording.of_type(token)
    return found
