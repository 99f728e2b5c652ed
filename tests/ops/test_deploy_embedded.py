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
    """The local stack as if it had gradual_deploy: what Pulumi and CodeDeploy do is done here."""

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
        """`pulumi up` with other code."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for key in FUNCTIONS:
                archive.writestr(f"runtime/handlers/{key}.py", source)
        for name in self.names.values():
            self.lambda_.update_function_code(FunctionName=name, ZipFile=packed.getvalue(), Publish=True)

    def publish_again(self, description: str) -> None:
        """`pulumi up` with the same code, and another description."""
        for name in self.names.values():
            self.lambda_.update_function_configuration(FunctionName=name, Description=description)
            self.lambda_.publish_version(FunctionName=name)

    def shift(self) -> None:
        """Callers to the newest versions, remembered as `ops deploy shift` does."""
        now = datetime.now(UTC)
        for name in self.names.values():
            alias = self.lambda_.get_alias(FunctionName=name, Name="live")
            arn = alias["AliasArn"].removesuffix(":live")
            note_shift(self.lambda_, arn, int(alias["FunctionVersion"]), now)
            self.lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=str(self.versions(name)[-1]))

    def versions(self, name: str) -> list[int]:
        """Of one function."""
        listed = self.lambda_.list_versions_by_function(FunctionName=name)["Versions"]
        return [int(each["Version"]) for each in listed if each["Version"] != "$LATEST"]

    def live(self) -> dict[str, str]:
        """Return where callers of each function are."""
        return {
            key: self.lambda_.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
            for key, name in self.names.items()
        }

    def ops(self, *arguments: str) -> int:
        """Type `python -m ops deploy …`."""
        return main(["deploy", *arguments, "--outputs", str(self.outputs)])

    def workflow(self, step: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the deploy workflow as it is written, with a `pulumi` that knows the stack's outputs."""
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
        """Status of a POST; 422 is what the real code says to an empty one."""
        return self.api.post({}, "key").status


@pytest.fixture
def releases(stack: LocalStack, tmp_path: Path) -> Releases:
    return Releases(stack, tmp_path)


def test_a_release_that_was_rolled_back_is_not_brought_back_by_the_next_merge(
    releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a bad release, to which callers were moved
    good, before = releases.live(), releases.answer()
    releases.publish(BAD)
    releases.shift()
    assert (before, releases.answer()) == (422, 418)

    # WHEN it is rolled back
    tried, rolled_back = releases.ops("rollback"), releases.ops("rollback", "--yes")

    # THEN callers are where they were
    assert (tried, rolled_back) == (0, 0)
    assert releases.live() == good
    assert releases.answer() == 422

    # WHEN a page of the docs is merged, which publishes nothing, and then a change of a description
    after_docs = releases.workflow("Shift traffic")
    releases.publish_again("in other words")
    after_words = releases.workflow("Shift traffic")
    pruned = releases.workflow("Delete old versions")

    # THEN the workflow's own steps leave callers alone, and what they may go back to stays
    assert (after_docs.returncode, after_words.returncode) == (5, 5), after_docs.stderr
    assert "--again" in after_words.stderr
    assert pruned.returncode == 0, pruned.stderr
    assert releases.live() == good
    assert releases.answer() == 422

    # WHEN a repair is merged, or somebody wants the same code after all
    capsys.readouterr()
    again = releases.ops("shift", "--again", "--json")
    said_again = json.loads(capsys.readouterr().out)
    releases.publish(f"# repaired\n{BAD}")
    repaired = releases.ops("shift", "--json")
    said_repaired = json.loads(capsys.readouterr().out)

    # THEN both would be moved to
    assert (again, repaired) == (0, 0)
    assert said_again["state"] == said_repaired["state"] == "planned"


def test_an_alias_that_somebody_else_moves_meanwhile_is_left_alone(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a release, and somebody who moves an alias after the command has looked
    releases.publish(f"# another\n{BAD}")
    releases.shift()
    name = releases.names["create_order"]
    newest = releases.live()["create_order"]

    def meddle(*_: Any) -> None:
        releases.lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=newest, Description="meddled")

    monkeypatch.setattr("ops.deploy.rollback.wake", meddle)

    # WHEN
    code = releases.ops("rollback", "--yes")

    # THEN it fails before it moves anybody
    assert code == 1
    assert releases.live()["create_order"] == newest


def test_a_version_that_failed_to_start_is_got_rid_of_by_prune_and_published_anew(
    releases: Releases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a version with a snapshot, whose start failed for something outside of it
    outside, name = tmp_path / "outside", releases.names["get_order"]
    releases.publish(f"open({str(outside)!r}).close()\n{BAD}")
    releases.lambda_.update_function_configuration(FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"})
    failed = releases.lambda_.publish_version(FunctionName=name)["Version"]
    assert state(releases, failed) == "Failed"
    outside.touch()

    # WHEN the same is published again, as it is
    same = releases.lambda_.publish_version(FunctionName=name)["Version"]
    shifted = releases.ops("shift", "--again")
    told = capsys.readouterr().err

    # THEN nothing is, and the command tells the way
    assert same == failed
    assert shifted == 5
    assert "docs/delivery.md, A version that fails to start" in " ".join(told.split())

    # WHEN the way is gone
    pruned = releases.ops("prune", "--yes")
    fresh = releases.lambda_.publish_version(FunctionName=name)["Version"]

    # THEN there is a new version, and it starts
    assert pruned == 0
    assert int(failed) not in releases.versions(name)
    assert int(fresh) > int(failed)
    assert state(releases, fresh) == "Active"


def state(releases: Releases, version: str) -> str:
    """Of a version of get_order, once it is no longer being started."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        read = releases.lambda_.get_function_configuration(FunctionName=releases.names["get_order"], Qualifier=version)
        if read["State"] != "Pending":
            return str(read["State"])
        time.sleep(0.2)
    return "Pending"
