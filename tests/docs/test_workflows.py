"""The GitHub workflows, linted and held to what docs/delivery.md promises."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.recording.recording import read_stack_file
from pipeline.config import parse_config

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    # YAML 1.1 reads the key `on` as true.
    document["on"] = document.pop(True)  # type: ignore[call-overload]  # the key is a boolean there
    return document


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(path)["jobs"]
    return found


def test_there_are_the_four_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["checks.yml", "deploy.yml", "drift.yml", "preview.yml"]


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


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_permissions_are_none_but_where_a_job_names_them(path: Path) -> None:
    # GIVEN the workflow
    workflow = load(path)
    # THEN it starts from nothing, and no job asks for all
    assert workflow["permissions"] == {}
    assert all(isinstance(job["permissions"], dict) for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_workflow_has_a_concurrency_group_and_every_job_an_end(path: Path) -> None:
    # GIVEN the workflow
    workflow = load(path)
    # THEN two runs do not meet, and none runs for ever
    assert workflow["concurrency"]["group"]
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


def test_no_long_lived_key_is_used_anywhere() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS)
    assert "secrets." not in text
    assert "AWS_SECRET_ACCESS_KEY" not in text


def test_a_pull_request_of_a_fork_never_gets_a_token() -> None:
    # GIVEN the preview, which runs the pull request's own code
    preview = jobs(FOLDER / "preview.yml")
    # THEN only branches of this repository get a token, and forks are told why there is no preview
    same_repository = "github.event.pull_request.head.repo.full_name == github.repository"
    assert preview["preview"]["if"] == same_repository
    assert preview["fork"]["if"] == same_repository.replace("==", "!=")
    assert preview["fork"]["permissions"] == {}
    assert "pull_request_target" not in (FOLDER / "preview.yml").read_text()


def test_the_preview_is_one_comment_that_is_edited_and_obeys_the_policies() -> None:
    # GIVEN the step that previews
    steps = jobs(FOLDER / "preview.yml")["preview"]["steps"]
    preview = next(step["with"] for step in steps if step.get("with", {}).get("command") == "preview")
    # THEN
    assert preview["comment-on-pr"] is True
    assert preview["edit-pr-comment"] is True
    assert preview["policyPacks"] == "policy"


def test_main_goes_to_dev_and_a_release_to_prod_one_at_a_time() -> None:
    # GIVEN
    deploy = load(FOLDER / "deploy.yml")
    # THEN the environment decides: its reviewers approve, its variables hold the role
    assert deploy["on"] == {"push": {"branches": ["main"]}, "release": {"types": ["published"]}}
    assert deploy["jobs"]["deploy"]["environment"] == "${{ github.event_name == 'release' && 'prod' || 'dev' }}"
    assert deploy["jobs"]["deploy"]["needs"] == "checks"
    assert deploy["concurrency"]["cancel-in-progress"] is False


def test_drift_is_looked_for_on_a_schedule_against_what_is_really_there() -> None:
    # GIVEN
    drift = load(FOLDER / "drift.yml")
    step = drift["jobs"]["drift"]["steps"][-1]["with"]
    # THEN
    assert drift["on"]["schedule"]
    assert (step["command"], step["refresh"], step["expect-no-changes"]) == ("preview", True, True)


@pytest.mark.parametrize("workflow", ["preview", "drift"])
def test_each_stack_is_previewed_with_its_own_backend_and_role(workflow: str) -> None:
    # GIVEN the job that looks at one stack
    job = jobs(FOLDER / f"{workflow}.yml")[workflow]
    # THEN its environment is the stack's: every stack has a state bucket and a role of its own
    assert job["environment"] == workflow + "-${{ matrix.stack }}"
    assert job["strategy"]["matrix"]["stack"] == ["dev", "prod"]


def test_every_workflow_runs_the_engine_that_the_tests_run() -> None:
    # GIVEN the engine that the suite builds
    built = re.search(
        r"github.com/pulumi/pulumi/pkg/v3 v(\S+)", (ROOT / "local" / "engine" / "pulumi" / "go.mod").read_text()
    )
    assert built
    # THEN every step with the CLI pins the same
    steps = [step for path in WORKFLOWS for job in jobs(path).values() for step in job["steps"]]
    with_cli = [step for step in steps if step.get("uses", "").startswith("pulumi/actions@")]
    assert {step["with"]["pulumi-version"] for step in with_cli} == {built[1]}


RELEASE = (ROOT / ".github" / "python-version").read_text().strip()
DEPLOYING = ("deploy", "drift", "preview")


def set_up_pythons(workflow: str) -> list[dict[str, str]]:
    """What each job of a workflow asks setup-python for."""
    steps = [step for job in jobs(FOLDER / f"{workflow}.yml").values() for step in job["steps"]]
    return [step["with"] for step in steps if step.get("uses", "").startswith("actions/setup-python@")]


@pytest.mark.parametrize("workflow", DEPLOYING)
def test_what_builds_the_package_does_it_by_one_exact_release_of_python(workflow: str) -> None:
    # GIVEN / WHEN
    asked = set_up_pythons(workflow)

    # THEN another patch release may compile other bytes, and every function would look changed
    assert asked
    assert asked == [{"python-version-file": ".github/python-version"}] * len(asked)
    assert re.fullmatch(r"3\.\d+\.\d+", RELEASE)


@pytest.mark.parametrize("workflow", DEPLOYING)
def test_the_release_is_read_from_the_tree_that_is_built(workflow: str) -> None:
    # GIVEN the jobs that set Python up
    for job in jobs(FOLDER / f"{workflow}.yml").values():
        uses = [step.get("uses", "").split("@")[0] for step in job["steps"]]
        if "actions/setup-python" not in uses:
            continue
        # THEN they check out first: drift in prod looks at an older release, with that one's Python
        assert uses.index("actions/checkout") < uses.index("actions/setup-python")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_with_byte_code_admits_that_release_alone(stack: str) -> None:
    # GIVEN
    own = {key.removeprefix("orders:"): value for key, value in read_stack_file(stack).items() if "orders:" in key}

    # WHEN
    config = parse_config(own, project="orders", stack=stack)

    # THEN
    assert RELEASE.startswith(f"{config.python_version}.")
    assert config.package_bytecode_release == (RELEASE if config.package_bytecode else "")
