"""Reads the dependency lock and derives its cache key. Refuses a lock whose result depends on the machine."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.package.spec import BuildError

_PINNED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?==[^\s;]+$")


@dataclass(frozen=True)
class Lock:
    """A dependency lock: its file, the pinned requirements (`name==version`), and a digest of all entries as key."""

    path: Path
    requirements: tuple[str, ...]
    key: str


def read_lock(path: Path) -> Lock:
    """Read a hash-locked requirements file. The key does not depend on comments or on the order of the entries.

    Raises BuildError if the file is missing, or if a requirement lacks a pinned version or a hash. Environment markers
    are errors too, because pip evaluates them for its own interpreter, so the package would depend on this machine.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BuildError(f"cannot read the dependency lock {path}: {error.strerror}. `make lock` writes it.") from error
    lines = re.sub(r"(^|\s)#.*", "", text.replace("\\\n", " "), flags=re.MULTILINE).splitlines()
    entries = sorted(" ".join(line.split()) for line in lines if line.strip())
    requirements = tuple(_pinned(entry, path) for entry in entries if not entry.startswith("-"))
    return Lock(path, requirements, hashlib.sha256("\n".join(entries).encode()).hexdigest())


def _pinned(entry: str, path: Path) -> str:
    requirement, _, hashes = entry.partition(" --hash=")
    if ";" in requirement:
        raise BuildError(
            f"{path.name}: `{requirement}` has an environment marker, which pip evaluates for this machine, not for "
            "the functions. Use dependencies that need no marker, then run `make lock`."
        )
    if not _PINNED.match(requirement.strip()) or not hashes:
        raise BuildError(
            f"{path.name}: `{requirement}` is not locked: every line needs `name==version` and at least one `--hash`. "
            "`make lock` writes such a file."
        )
    return requirement.strip()
