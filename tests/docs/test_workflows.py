"""Tests the GitHub workflows with linters, and compares them with docs/delivery.md and the existing commands.

Also tests the versions that the workflows pin, and the results of the deploy workflow's scripts.
"""

import json
import os
import re
import shlex
import shutil
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
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    # YAML 1.1 reads the key `on` as true.
    document["on"] = document.pop(True)
    return document


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(path)["jobs"]
    return found


def steps_of(path: Path) -> list[dict[str, Any]]:
    """Return every step of every job."""
    return [step for job in jobs(path).values() for step in job["steps"]]


def test_docs_delivery_lists_every_workflow_and_no_other() -> None:
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
def test_a_shell_can_parse_every_script(script: str) -> None:
    # GIVEN a step's script
    # WHEN a shell parses it
    check = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    # THEN the script has no syntax error, and contains no GitHub expression
    assert check.returncode == 0, check.stderr
    assert "${{" not in script


@pytest.mark.parametrize("script", RUNS.values(), ids=RUNS)
def test_every_ops_command_and_make_target_in_a_workflow_exists(script: str) -> None:
    # GIVEN the commands of a step
    for line in script.splitlines():
        match = re.search(r"\.venv/bin/python -m (ops(?:\.preview)?) ([^|&>]*)", line)
        if match:
            arguments = shlex.split(match[2].replace("$STACK", "dev"))
            # THEN each command can be parsed, and each command that has the option `--yes` uses it
            given = (ops_parser() if match[1] == "ops" else preview_parser()).parse_args(arguments)
            assert getattr(given, "yes", True), line
        for target in re.findall(r"\bmake ([\w-]+)", line):
            assert re.search(rf"^(?:[\w -]+ )?{target}(?: [\w -]+)?:(?!=)", MAKEFILE, re.MULTILINE), target


def test_the_security_linter_finds_nothing() -> None:
    # GIVEN zizmor, offline and with its strictest settings
    command: list[str | Path] = [BIN / "zizmor", "--offline", "--persona=pedantic", "--no-progress", FOLDER.parent]
    # WHEN it audits every workflow and Dependabot's configuration
    audit = subprocess.run(command, capture_output=True, text=True, check=False)
    # THEN it has no findings
    assert audit.returncode == 0, audit.stdout + audit.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("dependabot", [FOLDER.parent / "dependabot.yml"])],
    ids=["workflows", "dependabot"],
)
def test_every_file_is_valid_for_its_schema(schema: str, files: list[Path]) -> None:
    # GIVEN the schema that the checker contains
    command: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    # WHEN it is applied
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    # THEN every file is valid
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_with_their_version_in_a_comment(path: Path) -> None:
    # GIVEN every `uses` of the workflow
    uses = re.findall(r"uses: (.+)", path.read_text())
    # THEN each names a commit, with its version in a comment
    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_no_long_lived_key_is_used_anywhere() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS)
    assert "secrets." not in text
    assert "AWS_SECRET_ACCESS_KEY" not in text


def test_the_audit_covers_the_packages_in_the_functions_zip() -> None:
    # GIVEN `make audit`
    recipe = MAKEFILE.split("\naudit:")[1].split("\n\n")[0]
    # THEN the audit reads the list of the packages in the functions' zip, and fails for a package that it cannot find
    assert "--strict" in recipe
    assert "--requirement requirements-runtime.txt" in recipe


def test_the_drift_workflow_compares_with_the_real_resources() -> None:
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
    # THEN every step with the CLI pins the same version
    steps = [step for path in WORKFLOWS for step in steps_of(path)]
    with_cli = [step for step in steps if step.get("uses", "").startswith("pulumi/actions@")]
    assert {step["with"]["pulumi-version"] for step in with_cli} == {built[1]}


RELEASE = (ROOT / ".github" / "python-version").read_text().strip()
DEPLOYING = ("deploy", "drift", "preview")


def set_up_pythons(workflow: str) -> list[dict[str, str]]:
    """Return the inputs of every setup-python step of a workflow."""
    return [
        step["with"]
        for step in steps_of(FOLDER / f"{workflow}.yml")
        if step.get("uses", "").startswith("actions/setup-python@")
    ]


@pytest.mark.parametrize("workflow", DEPLOYING)
def test_workflows_that_build_the_package_use_one_exact_python_release(workflow: str) -> None:
    # GIVEN / WHEN
    inputs = set_up_pythons(workflow)

    # THEN each pins one patch release, because another release could change the byte code in every function's package
    assert inputs
    assert inputs == [{"python-version-file": ".github/python-version"}] * len(inputs)
    assert re.fullmatch(r"3\.\d+\.\d+", RELEASE)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_package_with_byte_code_requires_the_python_release_of_the_workflows(stack: str) -> None:
    # GIVEN
    own = {key.removeprefix("orders:"): value for key, value in read_stack_file(stack).items() if "orders:" in key}

    # WHEN
    config = parse_config(own, project="orders", stack=stack)

    # THEN
    assert RELEASE.startswith(f"{config.python_version}.")
    assert config.package_bytecode_release == (RELEASE if config.package_bytecode else "")


def run_step(step: str, folder: Path, code: int, shift: str = "moved", deployment: str = "") -> tuple[int, list[str]]:
    """Run a step of the deploy workflow as GitHub does; return its exit code and the `ops` commands that it ran.

    Each command exits with `code`, but `ops deploy rollback` exits with 0. `ops deploy shift` prints JSON: the
    parameter `shift` is its `state`, and the parameter `deployment` is the `status` of its only deployment.
    """
    (script,) = [each["run"] for each in jobs(FOLDER / "deploy.yml")["deploy"]["steps"] if each.get("name") == step]
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    shifted = folder / "shifted.json"
    shifted.write_text(json.dumps({"state": shift, "deployments": [{"status": deployment}]}, indent=2))
    commands = f'echo "$3 $4" >> commands\n[ "$4" = shift ] && cat {shifted}\n[ "$4" = rollback ] || exit {code}\n'
    python.write_text(f"#!/bin/sh\n{commands}")
    python.chmod(0o755)
    shutil.copy(shifted, folder / "shift.json")
    environment = {"PATH": os.environ["PATH"], "STACK": "prod", "RUNNER_TEMP": str(folder)}
    done = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=False)
    return done.returncode, (folder / "commands").read_text().splitlines()


@pytest.mark.parametrize("code", [0, 1, 4, 6])
def test_only_a_failed_smoke_test_causes_a_rollback(tmp_path: Path, code: int) -> None:
    # GIVEN a smoke test that succeeds, fails, has no token, or is incomplete
    # WHEN
    status, commands = run_step("Smoke test", tmp_path, code)
    # THEN the step fails unless the test succeeds, and only a failed test leads to a rollback
    assert status == code
    assert commands == ["smoke --stack", *(["deploy rollback"] if code == 1 else [])]


@pytest.mark.parametrize("shift", ["off", "nothing-to-do"])
def test_a_run_without_a_traffic_shift_causes_no_rollback(tmp_path: Path, shift: str) -> None:
    # GIVEN a smoke test that fails. The stack does not shift traffic, or the release has no new code
    # WHEN
    status, commands = run_step("Smoke test", tmp_path, 1, shift)
    # THEN the step fails, and no command rolls callers back to another version
    assert status == 1
    assert commands == ["smoke --stack"]


@pytest.mark.parametrize(
    ("code", "deployment", "rollback"),
    [(0, "Succeeded", False), (1, "Succeeded", True), (1, "Failed", False), (4, "Succeeded", False)],
)
def test_shifted_functions_are_rolled_back_if_the_shift_of_another_function_fails(
    tmp_path: Path, code: int, deployment: str, rollback: bool
) -> None:
    # GIVEN / WHEN one of four cases: the shift succeeds; it fails after the callers of another function
    # have moved to new code; it fails before any callers have moved; it is not permitted
    status, commands = run_step("Shift traffic", tmp_path, code, "rolled-back" if code else "moved", deployment)
    # THEN the step fails unless the shift succeeds. A rollback runs only if the shift fails after callers have moved
    assert status == code
    assert commands == ["deploy shift", *(["deploy rollback"] if rollback else [])]


@pytest.mark.parametrize(("code", "fails"), [(0, False), (3, True), (4, True), (5, True), (6, False)])
def test_the_preflight_step_passes_only_if_preflight_succeeds_or_is_incomplete(
    tmp_path: Path, code: int, fails: bool
) -> None:
    # GIVEN / WHEN
    status, _ = run_step("Preflight", tmp_path, code)
    # THEN
    assert (status != 0) is fails
