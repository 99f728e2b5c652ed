"""The GitHub workflows, linted and held to what docs/delivery.md promises."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.recording.recording import read_stack_file
from ops.cli.main import parser as ops_parser
from ops.preview import parser as preview_parser
from pipeline.config import parse_config

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent
MAKEFILE = (ROOT / "Makefile").read_text()


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    # YAML 1.1 reads the key `on` as true.
    document["on"] = document.pop(True)  # type: ignore[call-overload]  # the key is a boolean there
    return document


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(path)["jobs"]
    return found


def steps_of(path: Path) -> list[dict[str, Any]]:
    """Every step of every job."""
    return [step for job in jobs(path).values() for step in job["steps"]]


def test_every_workflow_is_on_the_page_and_no_other() -> None:
    # GIVEN the table of docs/delivery.md
    named = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "delivery.md").read_text().split("\n## ")[0], re.MULTILINE)
    # THEN
    assert sorted(named) == [path.stem for path in WORKFLOWS]


RUNS = {
    f"{path.stem}: {step.get('name') or step['run'].splitlines()[0]}": step["run"]
    for path in WORKFLOWS
    for step in steps_of(path)
    if "run" in step
}


@pytest.mark.parametrize("script", RUNS.values(), ids=RUNS)
def test_every_script_is_one_that_a_shell_can_read(script: str) -> None:
    # GIVEN what a step runs
    # WHEN a shell parses it
    check = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    # THEN it is whole, and nothing of an event is pasted into it
    assert check.returncode == 0, check.stderr
    assert "${{" not in script


@pytest.mark.parametrize("script", RUNS.values(), ids=RUNS)
def test_every_command_of_ours_is_one_that_there_is(script: str) -> None:
    # GIVEN the commands of a step
    for line in script.splitlines():
        match = re.search(r"\.venv/bin/python -m (ops(?:\.preview)?) ([^|&>]*)", line)
        if match:
            arguments = shlex.split(match[2].replace("$STACK", "dev"))
            # THEN each parses, and what changes something does
            given = (ops_parser() if match[1] == "ops" else preview_parser()).parse_args(arguments)
            assert getattr(given, "yes", True), line
        for target in re.findall(r"\bmake ([\w-]+)", line):
            assert re.search(rf"^(?:[\w -]+ )?{target}(?: [\w -]+)?:(?!=)", MAKEFILE, re.MULTILINE), target


def test_the_linter_for_security_finds_nothing() -> None:
    # GIVEN zizmor without the network, at its strictest
    command: list[str | Path] = [BIN / "zizmor", "--offline", "--persona=pedantic", "--no-progress", FOLDER.parent]
    # WHEN it audits every workflow, and what updates them
    audit = subprocess.run(command, capture_output=True, text=True, check=False)
    # THEN it has nothing to say
    assert audit.returncode == 0, audit.stdout + audit.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("dependabot", [FOLDER.parent / "dependabot.yml"])],
    ids=["workflows", "dependabot"],
)
def test_every_file_has_the_schema_of_its_kind(schema: str, files: list[Path]) -> None:
    # GIVEN the schema that the checker carries
    command: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    # WHEN it is applied
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    # THEN every file fits
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_with_their_version_beside(path: Path) -> None:
    # GIVEN every `uses` of the workflow
    uses = re.findall(r"uses: (.+)", path.read_text())
    # THEN each is a commit, and says which version that is
    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_no_long_lived_key_is_used_anywhere() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS)
    assert "secrets." not in text
    assert "AWS_SECRET_ACCESS_KEY" not in text


def test_what_is_zipped_is_what_is_audited() -> None:
    # GIVEN `make audit`
    recipe = MAKEFILE.split("\naudit:")[1].split("\n\n")[0]
    # THEN it fails also for what it cannot look up, and it looks at the zip's own list
    assert "--strict" in recipe
    assert "--requirement requirements-runtime.txt" in recipe


def test_drift_is_looked_for_on_a_schedule_against_what_is_really_there() -> None:
    # GIVEN
    drift = load(FOLDER / "drift.yml")
    step = drift["jobs"]["drift"]["steps"][-1]["with"]
    # THEN
    assert (step["command"], step["refresh"], step["expect-no-changes"]) == ("preview", True, True)


def test_every_workflow_runs_the_engine_that_the_tests_run() -> None:
    # GIVEN the engine that the suite builds
    built = re.search(
        r"github.com/pulumi/pulumi/pkg/v3 v(\S+)", (ROOT / "local" / "engine" / "pulumi" / "go.mod").read_text()
    )
    assert built
    # THEN every step with the CLI pins the same
    steps = [step for path in WORKFLOWS for step in steps_of(path)]
    with_cli = [step for step in steps if step.get("uses", "").startswith("pulumi/actions@")]
    assert {step["with"]["pulumi-version"] for step in with_cli} == {built[1]}


RELEASE = (ROOT / ".github" / "python-version").read_text().strip()
DEPLOYING = ("deploy", "drift", "preview")


def set_up_pythons(workflow: str) -> list[dict[str, str]]:
    """Return what each job of a workflow asks setup-python for."""
    return [
        step["with"]
        for step in steps_of(FOLDER / f"{workflow}.yml")
        if step.get("uses", "").startswith("actions/setup-python@")
    ]


@pytest.mark.parametrize("workflow", DEPLOYING)
def test_what_builds_the_package_does_it_by_one_exact_release_of_python(workflow: str) -> None:
    # GIVEN / WHEN
    asked = set_up_pythons(workflow)

    # THEN another patch release may compile other bytes, and every function would look changed
    assert asked
    assert asked == [{"python-version-file": ".github/python-version"}] * len(asked)
    assert re.fullmatch(r"3\.\d+\.\d+", RELEASE)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_with_byte_code_admits_that_release_alone(stack: str) -> None:
    # GIVEN
    own = {key.removeprefix("orders:"): value for key, value in read_stack_file(stack).items() if "orders:" in key}

    # WHEN
    config = parse_config(own, project="orders", stack=stack)

    # THEN
    assert RELEASE.startswith(f"{config.python_version}.")
    assert config.package_bytecode_release == (RELEASE if config.package_bytecode else "")


def typed(step: str, folder: Path, code: int, shift: str = "moved") -> tuple[int, list[str]]:
    """Run a step of the deploy workflow as GitHub does, where `ops` ends with `code`: exit code, and what was typed.

    `shift` is how the shift before it ended.
    """
    (script,) = [each["run"] for each in jobs(FOLDER / "deploy.yml")["deploy"]["steps"] if each.get("name") == step]
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$3 $4" >> typed\n[ "$3" = deploy ] || exit {code}\n')
    python.chmod(0o755)
    (folder / "shift.json").write_text(json.dumps({"state": shift}, indent=2))
    environment = {"PATH": os.environ["PATH"], "STACK": "prod", "RUNNER_TEMP": str(folder)}
    done = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=False)
    return done.returncode, (folder / "typed").read_text().splitlines()


@pytest.mark.parametrize("code", [0, 1, 4, 6])
def test_only_a_failed_smoke_test_sends_callers_back(tmp_path: Path, code: int) -> None:
    # GIVEN a smoke test that ends so: well, failed, without a token, in part
    # WHEN
    ended, commands = typed("Smoke test", tmp_path, code)
    # THEN the step is red unless it went well, and only a failure of the stack is rolled back
    assert ended == code
    assert commands == ["smoke --stack", *(["deploy rollback"] if code == 1 else [])]


@pytest.mark.parametrize("shift", ["off", "nothing-to-do"])
def test_a_run_that_moved_nobody_sends_nobody_back(tmp_path: Path, shift: str) -> None:
    # GIVEN a release without new code, and a smoke test that fails all the same
    # WHEN
    ended, commands = typed("Smoke test", tmp_path, 1, shift)
    # THEN the release that callers were on before it stays where it is
    assert ended == 1
    assert commands == ["smoke --stack"]


@pytest.mark.parametrize(("code", "red"), [(0, False), (3, True), (4, True), (5, True), (6, False)])
def test_what_preflight_could_not_read_stops_nothing_and_what_is_in_the_way_does(
    tmp_path: Path, code: int, red: bool
) -> None:
    # GIVEN / WHEN
    ended, _ = typed("Preflight", tmp_path, code)
    # THEN
    assert (ended != 0) is red
