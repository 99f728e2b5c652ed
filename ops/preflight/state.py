"""Checks Pulumi's state: the bucket or folder that contains the state, and the stack's lock.

The names of files are those of Pulumi's self-managed backends: `.pulumi/stacks/PROJECT/STACK.json` and
`.pulumi/locks/organization/PROJECT/STACK/ID.json`.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ClientError

from ops.preflight.finding import Finding, Verdict
from ops.preflight.stack_facts import StackFacts

BACKEND_VARIABLE: Final = "PULUMI_BACKEND_URL"
_PULUMI_SECONDS: Final = 60
_STATE, _LOCK = "Pulumi's state", "lock of the state"


def state(facts: StackFacts, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Check that the bucket or folder exists and contains the stack, and that no run holds the stack's lock.

    A bucket must also keep versions.
    """
    url = environment.get(BACKEND_VARIABLE) or _pulumi_backend()
    if url is None:
        text = f"could not read: {BACKEND_VARIABLE} is not set and no `pulumi` command is logged in"
        yield Finding(_STATE, Verdict.UNKNOWN, text, (f"export {BACKEND_VARIABLE}='s3://BUCKET?region=REGION'",))
        return
    if not url.startswith(("s3://", "file://")):
        yield Finding(_STATE, Verdict.UNKNOWN, f"could not read: {url} is neither a bucket of S3 nor a folder")
        return
    store = _Bucket.of(facts, url) if url.startswith("s3://") else _Folder.of(url)
    yield store.condition()
    project, stack = facts.settings.project, facts.settings.stack
    if not any(True for _ in store.keys(f".pulumi/stacks/{project}/{stack}.json")):
        yield Finding(
            _LOCK,
            Verdict.WARNING,
            f"there is no stack {stack} in {url} yet",
            (f"pulumi stack init {stack} --secrets-provider 'awskms://alias/pulumi-{facts.prefix}?region=REGION'",),
        )
        return
    held = list(store.keys(f".pulumi/locks/organization/{project}/{stack}/"))
    if not held:
        yield Finding(_LOCK, Verdict.OK, "nobody holds it")
        return
    holders = "; ".join(_holder(store.read(key)) for key in held)
    yield Finding(
        _LOCK,
        Verdict.ERROR,
        f"held by {holders}",
        (f"wait for that run; if it has certainly died: pulumi cancel --stack {stack}",),
    )


@dataclass(frozen=True)
class _Folder:
    root: Path

    @classmethod
    def of(cls, url: str) -> "_Folder":
        path = unquote(url.removeprefix("file://"))
        return cls(Path(path).expanduser())

    def condition(self) -> Finding:
        if not self.root.is_dir():
            return Finding(_STATE, Verdict.ERROR, f"there is no folder {self.root}", ("pulumi login",))
        return Finding(_STATE, Verdict.OK, f"in the folder {self.root}")

    def keys(self, prefix: str) -> Iterator[str]:
        folder = (self.root / prefix) if prefix.endswith("/") else (self.root / prefix).parent
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        found = (file.relative_to(self.root).as_posix() for file in files if file.is_file())
        return (key for key in found if key.startswith(prefix))

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()


@dataclass(frozen=True)
class _Bucket:
    client: Any
    name: str
    folder: str

    @classmethod
    def of(cls, facts: StackFacts, url: str) -> "_Bucket":
        parts = urlsplit(url)
        folder = parts.path.strip("/")
        region = parse_qs(parts.query).get("region", [None])[0]
        return cls(facts.client("s3", region), parts.netloc, f"{folder}/" if folder else "")

    def condition(self) -> Finding:
        try:
            versions = self.client.get_bucket_versioning(Bucket=self.name).get("Status")
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            text = f"there is no bucket {self.name}"
            return Finding(_STATE, Verdict.ERROR, text, ("deploy bootstrap/template.yaml (docs/delivery.md)",))
        if versions != "Enabled":
            text = f"the bucket {self.name} keeps no versions: a damaged state could not be restored"
            todo = f"aws s3api put-bucket-versioning --bucket {self.name} --versioning-configuration Status=Enabled"
            return Finding(_STATE, Verdict.WARNING, text, (todo,))
        return Finding(_STATE, Verdict.OK, f"in the bucket {self.name}, which keeps versions")

    def keys(self, prefix: str) -> Iterator[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=self.folder + prefix)
        return (item["Key"].removeprefix(self.folder) for page in pages for item in page.get("Contents", ()))

    def read(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=self.name, Key=self.folder + key)["Body"].read()
        return body


def _holder(content: bytes) -> str:
    try:
        lock = json.loads(content)
        return f"{lock['username']}@{lock['hostname']} (process {lock['pid']}) since {lock['timestamp']}"
    except (ValueError, KeyError, TypeError):
        return "an unknown run, whose lock cannot be read"


def _pulumi_backend() -> str | None:
    """Return the address of the backend to which this machine's `pulumi` command is logged in."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return None
    command = [pulumi, "whoami", "--json", "--non-interactive"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PULUMI_SECONDS, check=True)  # noqa: S603 - the found command, with fixed arguments
        url = json.loads(done.stdout).get("url")
    except (OSError, subprocess.SubprocessError, ValueError, AttributeError):
        return None
    return url if isinstance(url, str) else None
