"""Decides which files of the installed dependencies are packaged. Comments say why leaving out the others is safe."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

#: Files that are not needed at run time: stubs, C sources, documentation, wheels' byte code, markers for type checkers.
DEAD_SUFFIXES = frozenset({".pyi", ".c", ".h", ".pyx", ".pxd", ".rst", ".md", ".pyc"})
DEAD_NAMES = frozenset({"py.typed"})
DEAD_FOLDERS = frozenset({"__pycache__", "tests", "test"})
#: Functions do not use these: console scripts (which contain an interpreter's path), headers, other programs' data.
DEAD_TOPS = frozenset({"bin", "scripts", "share", "include"})
#: `importlib.metadata` and vulnerability scanners read these files. pip needs the other files only to uninstall.
DIST_INFO_KEPT = frozenset({"METADATA", "entry_points.txt"})
#: boto3's documentation templates. `boto3/docs` and `botocore/docs` are packaged, because `import boto3` needs them.
BOTO_EXAMPLES = "boto3/examples/"
#: Parts of Powertools that no function uses. They are left out of our package, so code that imports them must
#: never run. A test lists this code, with the reasons why it never runs.
UNUSED = tuple(
    f"aws_lambda_powertools/{part}/"
    for part in (
        "event_handler",
        *(
            f"utilities/{utility}"
            for utility in (
                *("auth_alpha", "circuit_breaker", "data_masking", "feature_flags", "kafka", "parameters", "streaming"),
                "validation",
            )
        ),
    )
)

_SERVICE_DATA = re.compile(r"^(?:botocore|boto3)/data/(?P<service>[^/]+)/(?P<version>[^/]+)/(?P<file>.+)$")
ENDPOINTS = "botocore/data/endpoints.json"


def shipped(tree: Path, services: Collection[str]) -> Iterator[str]:
    """Return the names (relative, with forward slashes) of the files under ``tree`` that are packaged.

    The data of ``services`` is packaged, and so are files like `endpoints.json`, which belong to no service.
    """
    names = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file())
    latest = _latest_versions(names)
    for name in names:
        if not _is_dead(PurePosixPath(name)) and _data_is_used(name, services, latest):
            yield name


def unknown_services(tree: Path, services: Collection[str]) -> list[str]:
    """Return the ``services`` for which the installed botocore has no data.

    If botocore is not installed, return an empty list.
    """
    data = tree / "botocore" / "data"
    if not data.is_dir():
        return []
    return sorted(service for service in services if not (data / service).is_dir())


def content(name: str, path: Path, services: Collection[str]) -> bytes:
    """Return the file's bytes. In `endpoints.json` each partition keeps only the endpoints of ``services``.

    With the whole file, a process needs 275 ms to create its first three clients. 40 ms of this
    time are for parsing the file, which has 400 services.
    """
    if name != ENDPOINTS:
        return path.read_bytes()
    document = json.loads(path.read_bytes())
    for partition in document["partitions"]:
        partition["services"] = {key: value for key, value in partition["services"].items() if key in services}
    return json.dumps(document, separators=(",", ":")).encode()


def _is_dead(name: PurePosixPath) -> bool:
    top = name.parts[0]
    if top.endswith(".dist-info"):
        return len(name.parts) != 2 or name.name not in DIST_INFO_KEPT
    return (
        (top in DEAD_TOPS and len(name.parts) > 1)
        or top.endswith("-stubs")
        or name.suffix in DEAD_SUFFIXES
        or name.name in DEAD_NAMES
        or not DEAD_FOLDERS.isdisjoint(name.parts[:-1])
        or str(name).startswith((BOTO_EXAMPLES, *UNUSED))
    )


def _data_is_used(name: str, services: Collection[str], latest: dict[tuple[str, str], str]) -> bool:
    """Return False for examples and for the data of an unused service or of an older API version."""
    match = _SERVICE_DATA.match(name)
    if match is None:
        return True
    package = name.partition("/")[0]
    service = match["service"]
    examples = match["file"].startswith("examples-")  # used only by botocore's documentation
    return service in services and match["version"] == latest[package, service] and not examples


def _latest_versions(names: Collection[str]) -> dict[tuple[str, str], str]:
    """Return, by (package, service), the newest API version that has a model. botocore's loader selects it."""
    latest: dict[tuple[str, str], str] = {}
    for name in names:
        match = _SERVICE_DATA.match(name)
        if match and match["file"].startswith(("service-2.", "resources-1.")):
            key = (name.partition("/")[0], match["service"])
            latest[key] = max(latest.get(key, ""), match["version"])
    return latest
