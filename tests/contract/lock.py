"""Removes download and funding addresses from package-lock.json, and keeps names, versions and hashes."""

import json
from pathlib import Path

LOCK = Path(__file__).with_name("package-lock.json")


def trimmed(text: str) -> str:
    """Return the lock file's text without addresses."""
    lock = json.loads(text)
    for package in lock["packages"].values():
        for address in ("funding", "resolved"):
            package.pop(address, None)
    return json.dumps(lock, indent=2) + "\n"


if __name__ == "__main__":
    LOCK.write_text(trimmed(LOCK.read_text()))
