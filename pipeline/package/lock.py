"""Reads the dependency lock: enough to key the cache and to refuse what the machine would decide."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.package.spec import BuildError

_PINNED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?==[^\s;]+$")


@dataclass(frozen=True)
class Lock:
    """A read lock: its file, the pinned requirements (`name==version`), and the key of what it installs."""

    path: Path
    requirements: tuple[str, ...]
    key: str


def read_lock(path: Path) -> Lock:
    """Read a hash-locked requirements file. Comments and order do not change its key.

    Raises BuildError for a missing file, a requirement that is not pinned and hashed, or one with an environment
    marker: pip judges markers by the interpreter that runs it, so this machine would decide what is packaged.
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
            f"{path.name}: `{requirement}` has an environment marker, which pip judges by this machine's Python, not "
            "by the function's. Lock for one Python without markers (`make lock`)."
        )
    if not _PINNED.match(requirement.strip()) or not hashes:
        raise BuildError(
            f"{path.name}: `{requirement}` is not locked: every line needs `name==version` and at least one `--hash`. "
            "`make lock` writes it so."
        )
    return requirement.strip()
