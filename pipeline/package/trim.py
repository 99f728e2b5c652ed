"""Decides which files of the installed dependencies are shipped. Each rule says why it is safe."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

#: Never read at run time: stubs, C sources, notes for type checkers.
DEAD_SUFFIXES = frozenset({".pyi", ".c", ".h", ".pyx", ".pxd", ".rst", ".md", ".pyc"})
DEAD_NAMES = frozenset({"py.typed"})
DEAD_FOLDERS = frozenset({"__pycache__", "tests", "test"})
#: Console scripts (with an interpreter's path in them) have no use in a function.
DEAD_TOPS = frozenset({"bin", "scripts", "share", "include"})
#: `importlib.metadata.version()` and vulnerability scanners read this; pip's own records are for uninstalling.
DIST_INFO_KEPT = frozenset({"METADATA", "entry_points.txt"})
#: boto3's documentation templates. `boto3/docs` and `botocore/docs` are code that `import boto3` needs.
BOTO_EXAMPLES = "boto3/examples/"
#: Parts of Powertools that no function uses. A test reads every import of what is
#: shipped: none leads here but a few that never run, which it lists with their reasons.
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
    """Names (relative, forward slashes) of the files under ``tree`` that the package keeps.

    ``services`` are the AWS services whose data stays; `endpoints.json` and its like are no service's and stay.
    """
    names = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file())
    latest = _latest_versions(names)
    for name in names:
        if not _is_dead(PurePosixPath(name)) and _data_is_used(name, services, latest):
            yield name


def unknown_services(tree: Path, services: Collection[str]) -> list[str]:
    """Those of ``services`` that the installed botocore has no data for (none, when botocore is not a dependency)."""
    data = tree / "botocore" / "data"
    if not data.is_dir():
        return []
    return sorted(service for service in services if not (data / service).is_dir())


def content(name: str, path: Path, services: Collection[str]) -> bytes:
    """The bytes to ship for ``name``: the file's own, but for `endpoints.json` only the partitions and ``services``.

    Parsing all 400 services of it takes 40 of the 275 ms that the first clients of a process need.
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
    """Service data stays for services in use, in the API version that clients get when they name none."""
    match = _SERVICE_DATA.match(name)
    if match is None:
        return True
    package = name.partition("/")[0]
    service = match["service"]
    examples = match["file"].startswith("examples-")  # shown in documentation, by nothing else
    return service in services and match["version"] == latest[package, service] and not examples


def _latest_versions(names: Collection[str]) -> dict[tuple[str, str], str]:
    """(package, service) → its newest API version that has a model, which is what botocore's loader picks."""
    latest: dict[tuple[str, str], str] = {}
    for name in names:
        match = _SERVICE_DATA.match(name)
        if match and match["file"].startswith(("service-2.", "resources-1.")):
            key = (name.partition("/")[0], match["service"])
            latest[key] = max(latest.get(key, ""), match["version"])
    return latest
