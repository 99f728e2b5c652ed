"""`ops deploy` on the embedded AWS, which has versions, aliases, tags and snapshots, but no CodeDeploy."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.client import LocalStack
from local.demo.http import OrdersApi
from local.instance import ROOT
from ops.cli.main import main
from ops.deploy.history import note_shift

pytestmark = pytest.mark.e2e

FUNCTIONS = ("create_order", "get_order", "process_order")
BAD = "def handler(event, context):\n    return {'statusCode': 418}\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack.started(tmp_path_factory.mktemp("deploy"), warm_workers=1) as started:
        yield started


class Releases:
    """The local stack with an output `gradual_deploy`. This class does what Pulumi and CodeDeploy would do."""

    def __init__(self, stack: LocalStack, folder: Path) -> None:
        self.lambda_ = stack.aws.lambda_
        self.api = OrdersApi(stack.outputs["api_url"])
        self._folder = folder
        written = json.loads((stack.state.path / "outputs.json").read_text())
        self.names = {key: written[f"{key}_function"] for key in FUNCTIONS}
        written["gradual_deploy"] = {
            "application": "none",
            "functions": {key: {"function": name, "alias": "live", "group": name} for key, name in self.names.items()},
        }
        self.outputs = folder / "outputs.json"
        self.outputs.write_text(json.dumps(written))

    def publish(self, source: str) -> None:
        """Publish `source` as the code of every function, as `pulumi up` does."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for key in FUNCTIONS:
                archive.writestr(f"runtime/handlers/{key}.py", source)
        for name in self.names.values():
            self.lambda_.update_function_code(FunctionName=name, ZipFile=packed.getvalue(), Publish=True)

    def publish_again(self, description: str) -> None:
        """Publish the same code with another description, as `pulumi up` does."""
        for name in self.names.values():
            self.lambda_.update_function_configuration(FunctionName=name, Description=description)
            self.lambda_.publish_version(FunctionName=name)

    def shift(self) -> None:
        """Move callers to the newest versions, and record it as `ops deploy shift` does."""
        now = datetime.now(UTC)
        for name in self.names.values():
            alias = self.lambda_.get_alias(FunctionName=name, Name="live")
            arn = alias["AliasArn"].removesuffix(":live")
            note_shift(self.lambda_, arn, int(alias["FunctionVersion"]), now)
            self.lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=str(self.versions(name)[-1]))

    def versions(self, name: str) -> list[int]:
        """Return the numbers of a function's versions."""
        listed = self.lambda_.list_versions_by_function(FunctionName=name)["Versions"]
        return [int(each["Version"]) for each in listed if each["Version"] != "$LATEST"]

    def live(self) -> dict[str, str]:
        """Return the version that callers of each function use."""
        return {
            key: self.lambda_.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
            for key, name in self.names.items()
        }

    def ops(self, *arguments: str) -> int:
        """Run `python -m ops deploy …`."""
        return main(["deploy", *arguments, "--outputs", str(self.outputs)])

    def workflow(self, step: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the deploy workflow, with a `pulumi` command that prints the stack's outputs."""
        steps = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())["jobs"]["deploy"]["steps"]
        (command,) = (each["run"] for each in steps if each.get("name") == step)
        pulumi = self._folder / "pulumi"
        pulumi.write_text(f"#!/bin/sh\ncat '{self.outputs}'\n")
        pulumi.chmod(0o700)
        environment = {
            **os.environ,
            "STACK": "prod",
            "RUNNER_TEMP": str(self._folder),
            "PATH": f"{self._folder}{os.pathsep}{os.environ['PATH']}",
        }
        return subprocess.run(
            ["bash", "-ec", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    def answer(self) -> int:
        """POST an empty object, and return the answer's status. The real code answers 422."""
        return self.api.post({}, "key").status


@pytest.fixture
def releases(stack: LocalStack, tmp_path: Path) -> Releases:
    return Releases(stack, tmp_path)


def test_a_merge_does_not_bring_back_a_release_that_was_rolled_back(
    releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a bad release that callers were moved to
    good, before = releases.live(), releases.answer()
    releases.publish(BAD)
    releases.shift()
    assert (before, releases.answer()) == (422, 418)

    # WHEN it is rolled back
    tried, rolled_back = releases.ops("rollback"), releases.ops("rollback", "--yes")

    # THEN callers are on the version that they had before
    assert (tried, rolled_back) == (0, 0)
    assert releases.live() == good
    assert releases.answer() == 422

    # WHEN two changes are merged. The first changes docs, so it publishes nothing. The second changes the functions'
    # descriptions, so it publishes the same code again
    after_docs = releases.workflow("Shift traffic")
    releases.publish_again("in other words")
    after_words = releases.workflow("Shift traffic")
    pruned = releases.workflow("Delete old versions")

    # THEN the workflow's steps move no callers, and keep the version that callers use
    assert (after_docs.returncode, after_words.returncode) == (5, 5), after_docs.stderr
    assert "--again" in after_words.stderr
    assert pruned.returncode == 0, pruned.stderr
    assert releases.live() == good
    assert releases.answer() == 422

    # WHEN two shifts are planned: to the bad code with --again, and to repaired code without --again
    capsys.readouterr()
    again = releases.ops("shift", "--again", "--json")
    bad_plan = json.loads(capsys.readouterr().out)
    releases.publish(f"# repaired\n{BAD}")
    repaired = releases.ops("shift", "--json")
    repaired_plan = json.loads(capsys.readouterr().out)

    # THEN both shifts are possible
    assert (again, repaired) == (0, 0)
    assert bad_plan["state"] == repaired_plan["state"] == "planned"


def test_a_rollback_fails_if_somebody_else_changes_an_alias(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a release, and somebody who changes an alias after the command has read it
    releases.publish(f"# another\n{BAD}")
    releases.shift()
    name = releases.names["create_order"]
    newest = releases.live()["create_order"]

    def change_alias(*_: Any) -> None:
        releases.lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=newest, Description="meddled")

    monkeypatch.setattr("ops.deploy.rollback.wake", change_alias)

    # WHEN
    code = releases.ops("rollback", "--yes")

    # THEN the command fails before it moves callers
    assert code == 1
    assert releases.live()["create_order"] == newest


def test_a_version_that_failed_to_start_can_be_pruned_and_published_again(
    releases: Releases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a version with SnapStart that failed to start because a file was missing
    outside, name = tmp_path / "outside", releases.names["get_order"]
    releases.publish(f"open({str(outside)!r}).close()\n{BAD}")
    releases.lambda_.update_function_configuration(FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"})
    failed = releases.lambda_.publish_version(FunctionName=name)["Version"]
    assert state(releases, failed) == "Failed"
    outside.touch()

    # WHEN the same code is published again, after the file was created
    same = releases.lambda_.publish_version(FunctionName=name)["Version"]
    shifted = releases.ops("shift", "--again")
    output = capsys.readouterr().err

    # THEN Lambda publishes no new version, and the command names the section that helps
    assert same == failed
    assert shifted == 5
    assert 'docs/delivery.md, "A version that fails to start"' in " ".join(output.split())

    # WHEN the failed version is pruned, and the code is published again
    pruned = releases.ops("prune", "--yes")
    fresh = releases.lambda_.publish_version(FunctionName=name)["Version"]

    # THEN there is a new version that starts
    assert pruned == 0
    assert int(failed) not in releases.versions(name)
    assert int(fresh) > int(failed)
    assert state(releases, fresh) == "Active"


def state(releases: Releases, version: str) -> str:
    """Wait up to a minute while a version of get_order is `Pending`, and return its state."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        read = releases.lambda_.get_function_configuration(FunctionName=releases.names["get_order"], Qualifier=version)
        if read["State"] != "Pending":
            return str(read["State"])
        time.sleep(0.2)
    return "Pending"
