"""Runs `pulumi` commands with a private state folder."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.ports import LOOPBACK

# Commands get only these environment variables of the caller: general ones (PATH, LANG, …), and those for downloading
# packages (PIP_…, SSL_…, proxies). Commands do not get the caller's account, token and Pulumi settings.
_KEPT = re.compile(
    r"PATH|HOME|LANG|LC_ALL|TMPDIR|TZ|XDG_\w+|PIP_\w+|SSL_\w+|REQUESTS_CA_BUNDLE|\w+_proxy", re.IGNORECASE
)
_PASSPHRASE = "only for tests"  # noqa: S105 - it protects temporary state only


@dataclass(frozen=True)
class Finished:
    """Result of a command. `events` has the engine's events in their order."""

    code: int
    output: str
    events: tuple[Mapping[str, Any], ...]

    @property
    def changes(self) -> dict[str, str]:
        """Return URN → operation of every changed resource. A replacement has several steps; the last one counts."""
        steps = [event["resourcePreEvent"]["metadata"] for event in self.events if "resourcePreEvent" in event]
        return {step["urn"]: step["op"] for step in steps if step["op"] not in ("same", "read")}

    @property
    def aws_changes(self) -> dict[str, str]:
        """Return logical name → operation of every changed AWS resource."""
        return {urn.rsplit("::", 1)[1]: op for urn, op in self.changes.items() if "::aws:" in urn.replace("$", "::")}


@dataclass(frozen=True)
class Workspace:
    """A program with a private state folder.

    `tools` comes first on the PATH (local.engine.path). `provider` is the port of the AWS provider to attach to.
    `overrides` is configuration, as given with `-c`.
    """

    tools: Path
    program: Path
    state: Path
    provider: int
    stack: str
    overrides: Mapping[str, str] = field(default_factory=dict)

    def create(self) -> None:
        """Make the state folder and the stack, which uses the program's stack file."""
        self.backend.mkdir(parents=True, exist_ok=True)
        self.checked("stack", "init", self.stack)

    @property
    def backend(self) -> Path:
        """Return the folder of the engine's states."""
        return self.state / "backend"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables of every command."""
        kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
        return kept | {
            "PATH": f"{self.tools}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "PULUMI_HOME": str(self.state / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
            "PULUMI_DEBUG_PROVIDERS": f"aws:{self.provider}",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **_loopback_without_proxy(kept),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Enables --event-log, which the SDK's own automation uses too.
            "PULUMI_DEBUG_COMMANDS": "true",
        }

    def up(self, *options: str) -> Finished:
        """Run `pulumi up` without questions and without a preview."""
        return self.operate("up", "--yes", "--skip-preview", *options)

    def preview(self, *options: str) -> Finished:
        """Run `pulumi preview`."""
        return self.operate("preview", *options)

    def destroy(self, *options: str) -> Finished:
        """Run `pulumi destroy` without questions.

        Pulumi makes a preview first. If a resource is protected, this preview fails, and nothing is
        deleted.
        """
        return self.operate("destroy", "--yes", *options)

    def operate(self, command: str, *options: str) -> Finished:
        """Run an operation on the stack, and return its result with its events."""
        log = self.state / "events.json"
        log.unlink(missing_ok=True)
        done = self.run(*self.arguments(command, *options))
        return Finished(done.returncode, done.stdout, tuple(_events(log)))

    def arguments(self, command: str, *options: str) -> list[str]:
        """Return the command line of an operation, without `pulumi`."""
        takes_config = command in ("up", "preview")
        overrides = [part for key, value in self.overrides.items() for part in ("--config", f"{key}={value}")]
        log = f"--event-log={self.state / 'events.json'}"
        return [command, "--stack", self.stack, log, *(overrides if takes_config else []), *options]

    def checked(self, *arguments: str) -> str:
        """Run a command and return its output. Raises `LocalError` with the output when the command fails."""
        done = self.run(*arguments)
        if done.returncode:
            raise LocalError(f"`pulumi {' '.join(arguments)}` ended with code {done.returncode}:\n{done.stdout}")
        return done.stdout

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; its output includes its errors."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.program,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        """Return the whole command line."""
        return ["pulumi", *arguments, "--non-interactive", "--color", "never"]

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, with secrets in plain text."""
        text = self.checked("stack", "output", "--stack", self.stack, "--json", "--show-secrets")
        return dict(json.loads(text))

    def exported(self) -> str:
        """Return the stored state, with encrypted secrets."""
        return self.checked("stack", "export", "--stack", self.stack)


def _loopback_without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make gRPC's loopback connections bypass the machine's proxy."""
    given = environment.get("no_proxy") or environment.get("NO_PROXY")
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, (given, LOOPBACK, "localhost"))))


def _events(log: Path) -> Iterator[Mapping[str, Any]]:
    for line in log.read_text().splitlines() if log.exists() else ():
        yield json.loads(line)
