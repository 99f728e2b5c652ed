"""Tests the workflows' permissions, environments, roles, stacks, concurrency groups, triggers, steps and timeouts, and
the calls of their scripts."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from ops.preview import marker
from tests.docs.test_workflows import FOLDER, WORKFLOWS, jobs, load, steps_of

_TARGET: Final = "${{ github.event_name == 'release' && 'prod' || 'dev' }}"
_READ: Final = {"contents": "read"}
_ASSUMES_ROLE: Final = {"contents": "read", "id-token": "write"}
_OURS: Final = "github.event.pull_request.head.repo.full_name == github.repository"
_SETUP: Final = ("actions/checkout", "actions/setup-python")
_ROLE: Final = "role {} in vars.AWS_REGION"

# By workflow and job: permissions, environment, condition, and needed jobs.
RIGHTS: Final[dict[tuple[str, str], tuple[dict[str, str], str | None, str | None, str | None]]] = {
    ("checks", "test"): (_READ, None, None, None),
    ("checks", "macos"): (_READ, None, None, None),
    ("checks", "engine"): (_READ, None, None, None),
    ("deploy", "checks"): (_READ, None, None, None),
    ("deploy", "deploy"): (_ASSUMES_ROLE, _TARGET, None, "checks"),
    ("drift", "drift"): (_ASSUMES_ROLE, "drift-${{ matrix.stack }}", None, None),
    ("locks", "renew"): ({"contents": "write", "pull-requests": "write"}, None, None, None),
    ("locks", "test"): (_READ, None, "needs.renew.outputs.changed == 'true'", "renew"),
    ("preview", "preview"): ({**_ASSUMES_ROLE, "pull-requests": "write"}, "preview-${{ matrix.stack }}", _OURS, None),
    ("preview", "fork"): ({}, None, _OURS.replace("==", "!="), None),
    ("vulnerabilities", "audit"): (_READ, None, None, None),
}
# A new run of a pull request cancels the old one. A run that changes an account or the repository is never cancelled.
GROUPS: Final[dict[str, tuple[str, bool | str]]] = {
    "checks": ("checks-${{ github.ref }}", "${{ github.event_name == 'pull_request' }}"),
    "deploy": (f"deploy-{_TARGET}", False),
    "drift": ("drift", False),
    "locks": ("locks", False),
    "preview": ("preview-${{ github.event.pull_request.number }}", True),
    "vulnerabilities": ("vulnerabilities-${{ github.ref }}", True),
}
# The steps of the jobs with access to an account, in order.
STEPS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("deploy", "deploy"): (
        *_SETUP,
        "make setup",
        _ROLE.format("vars.DEPLOY_ROLE_ARN"),
        "pulumi",
        "ops preflight",
        "pulumi up of env.STACK",
        "ops deploy shift, ops deploy rollback",
        "ops smoke, ops deploy rollback",
        "ops deploy prune",
    ),
    ("drift", "drift"): (
        "deployed",
        *_SETUP,
        "make setup",
        _ROLE.format("vars.PREVIEW_ROLE_ARN"),
        "pulumi preview of matrix.stack",
    ),
    ("preview", "preview"): (
        *_SETUP,
        "make setup",
        _ROLE.format("vars.PREVIEW_ROLE_ARN"),
        "pulumi",
        "ops.preview",
        "Comment",
    ),
}
JOBS = [(path.stem, name) for path in WORKFLOWS for name in jobs(path)]


def job_of(workflow: str, name: str) -> dict[str, Any]:
    return jobs(FOLDER / f"{workflow}.yml")[name]


def test_every_job_has_exactly_its_rights() -> None:
    # GIVEN / WHEN
    found = {}
    for workflow, name in JOBS:
        job = job_of(workflow, name)
        found[workflow, name] = (job["permissions"], job.get("environment"), job.get("if"), job.get("needs"))

    # THEN each job with access to an account runs in an environment of its stack
    assert found == RIGHTS
    assert [path.stem for path in WORKFLOWS if load(path)["permissions"] != {}] == []
    stacks = [job_of(name, name)["strategy"]["matrix"]["stack"] for name in ("preview", "drift")]
    assert stacks == [["dev", "prod"]] * 2


def test_every_workflow_has_its_concurrency_group() -> None:
    # GIVEN / WHEN
    found = {path.stem: load(path)["concurrency"] for path in WORKFLOWS}

    # THEN
    assert {name: (each["group"], each["cancel-in-progress"]) for name, each in found.items()} == GROUPS


def short_text(step: dict[str, Any]) -> str:
    """Return a short text for a step.

    The text is the step's role, its Pulumi command and stack, its action, its `ops` commands, its id or name, or its
    script.
    """
    uses, given, runs = step.get("uses", "").partition("@")[0], step.get("with", {}), step.get("run", "")
    if uses == "aws-actions/configure-aws-credentials":
        return _ROLE.format(bare(given["role-to-assume"])).replace("vars.AWS_REGION", bare(given["aws-region"]))
    if uses == "pulumi/actions":
        return f"pulumi {given['command']} of {bare(given['stack-name'])}" if "command" in given else "pulumi"
    ours = re.findall(r"python -m (ops(?:\.\w+| deploy \w+| \w+))", runs)
    return uses or ", ".join(ours) or step.get("id") or step.get("name") or runs


def bare(expression: str) -> str:
    """Return an expression without `${{ }}`."""
    return expression.removeprefix("${{ ").removesuffix(" }}")


@pytest.mark.parametrize(("workflow", "name"), STEPS)
def test_a_job_with_access_to_an_account_has_these_steps(workflow: str, name: str) -> None:
    # GIVEN / WHEN
    found = tuple(short_text(step) for step in job_of(workflow, name)["steps"])

    # THEN the steps are these, and a step that comments on the pull request runs even after a failure
    assert found == STEPS[workflow, name]
    assert [step["if"] for step in job_of(workflow, name)["steps"] if step.get("name") == "Comment"] in (
        [],
        ["always()"],
    )


def test_every_pulumi_command_runs_the_policies() -> None:
    # GIVEN every step that previews or deploys, by Pulumi's action or by a command
    steps = [step for path in WORKFLOWS for step in steps_of(path)]
    by_action = [step["with"] for step in steps if "command" in step.get("with", {})]
    by_command = [
        line
        for step in steps
        for line in step.get("run", "").splitlines()
        if re.search(r"pulumi (up|preview|refresh|destroy)|ops\.preview --stack", line)
    ]

    # WHEN
    without_pack = [each for each in by_action if each.get("policyPacks") != "policy"]
    commands_without_pack = [line for line in by_command if not line.endswith("-- --policy-pack policy")]

    # THEN
    assert sorted(each["command"] for each in by_action) == ["preview", "up"]
    assert len(by_command) == 1
    assert (without_pack, commands_without_pack) == ([], [])


@pytest.mark.parametrize(("workflow", "name"), STEPS)
def test_all_commands_of_a_job_use_the_same_stack_and_the_same_backend(workflow: str, name: str) -> None:
    # GIVEN
    job = job_of(workflow, name)
    stack = bare(job["env"]["STACK"]) if "STACK" in job.get("env", {}) else "matrix.stack"

    # WHEN
    commands = [step for step in job["steps"] if "python -m ops" in step.get("run", "")]
    backends = {step["env"]["PULUMI_BACKEND_URL"] for step in commands}
    backends |= {step["with"]["cloud-url"] for step in job["steps"] if "cloud-url" in step.get("with", {})}

    # THEN the stack is the one of the job's GitHub environment
    assert stack == bare(job["environment"]) or job["environment"].endswith("-${{ matrix.stack }}")
    assert backends == {"${{ vars.PULUMI_BACKEND_URL }}"}
    assert all(re.search(r'--stack "\$STACK"', line) for step in commands for line in _ops_lines(step["run"]))
    assert {bare(step["env"]["STACK"]) for step in commands if "STACK" in step["env"]} <= {"matrix.stack"}


def _ops_lines(script: str) -> list[str]:
    return [line for line in script.splitlines() if "python -m ops" in line]


# The triggers of each workflow; for a schedule, the number of its entries.
ON: Final[dict[str, dict[str, Any]]] = {
    "checks": {"push": {"branches": ["main"]}, "pull_request": None},
    "deploy": {"push": {"branches": ["main"]}, "release": {"types": ["published"]}},
    "drift": {"schedule": 1, "workflow_dispatch": None},
    "locks": {"schedule": 1, "workflow_dispatch": None},
    "preview": {"pull_request": {"branches": ["main"]}},
    "vulnerabilities": {
        "schedule": 1,
        "pull_request": {"paths": ["requirements-runtime.txt", "requirements-audit.txt"]},
        "workflow_dispatch": None,
    },
}
# The steps of the jobs without access to an account, in order.
OTHER_STEPS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("checks", "test"): (*_SETUP, "make test", "make long", "make contract", "make crash-points"),
    ("checks", "macos"): (*_SETUP, "make test"),
    ("checks", "engine"): (*_SETUP, "pulumi", "make engine"),
    ("deploy", "checks"): (*_SETUP, "make test"),
    ("locks", "renew"): (*_SETUP, "make lock UPGRADE=--upgrade", "propose"),
    ("locks", "test"): (*_SETUP, "make test"),
    ("vulnerabilities", "audit"): (*_SETUP, "make audit"),
}
MINUTES: Final = {
    "checks": {"test": 30, "macos": 45, "engine": 30},
    "deploy": {"checks": 30, "deploy": 60},
    "drift": {"drift": 20},
    "locks": {"renew": 15, "test": 30},
    "preview": {"preview": 20, "fork": 5},
    "vulnerabilities": {"audit": 10},
}


def test_every_workflow_has_its_triggers() -> None:
    # GIVEN / WHEN the triggers are read; YAML reads the key `on` as true
    read: dict[str, dict[Any, Any]] = {path.stem: load(path) for path in WORKFLOWS}
    found = {name: dict(each.get("on") or each[True]) for name, each in read.items()}
    found = {
        name: {key: len(value) if key == "schedule" else value for key, value in each.items()}
        for name, each in found.items()
    }

    # THEN
    assert found == ON


def test_jobs_have_their_steps_and_timeouts_and_checkouts_do_not_keep_credentials() -> None:
    # GIVEN / WHEN
    found = {(workflow, name): job_of(workflow, name) for workflow, name in JOBS}
    checkouts = [
        (*job, step["with"].get("ref"), step["with"]["persist-credentials"])
        for job, each in found.items()
        for step in each["steps"]
        if "checkout" in step.get("uses", "")
    ]

    # THEN
    steps = {job: tuple(short_text(step) for step in found[job]["steps"]) for job in OTHER_STEPS}
    assert steps == OTHER_STEPS
    assert {*JOBS} - {*OTHER_STEPS} - {*STEPS} == {("preview", "fork")}
    minutes = {path.stem: {name: each["timeout-minutes"] for name, each in jobs(path).items()} for path in WORKFLOWS}
    assert minutes == MINUTES
    assert {(*job, ref) for *job, ref, _ in checkouts if ref} == {
        ("drift", "drift", "${{ steps.deployed.outputs.ref }}"),
        ("locks", "test", "locks"),
    }
    assert {kept for *_, kept in checkouts} == {False}


_COMMENTS: Final = {"COMMENTS": "comments", "GITHUB_REPOSITORY": "us/it", "RUN": "https://the.run"}
_FIND: Final = "gh api --paginate comments --jq"
_PROPOSED: Final = (
    "git diff --quiet",
    "git config user.name",
    "git config user.email",
    "git switch --create locks",
    "git commit --all --message",
    "gh auth setup-git",
    "git push --force origin locks",
    "gh pr list --head locks --state open --json number --jq .[].number",
)
_PROPOSE: Final = "gh pr create --head locks --title Newer Python packages --body"


@pytest.mark.parametrize(
    ("step", "given", "calls", "output"),
    [
        ("drift deployed", {"STACK": "dev"}, (), "ref=main"),
        (
            "drift deployed",
            {"STACK": "prod", "GITHUB_REPOSITORY": "us/it", "GH_STDOUT": "v1"},
            ("gh release view --repo us/it --json tagName --jq .tagName",),
            "ref=v1",
        ),
        ("locks propose", {"GIT_EXIT_CODE": "0"}, ("git diff --quiet",), ""),
        ("locks propose", {"GIT_EXIT_CODE": "1"}, (*_PROPOSED, _PROPOSE), "changed=true"),
        ("locks propose", {"GIT_EXIT_CODE": "1", "GH_STDOUT": "7"}, _PROPOSED, "changed=true"),
        (
            "preview Comment",
            {**_COMMENTS, "STACK": "dev"},
            (_FIND, "gh api --silent --method POST comments --field body=@preview.md"),
            "",
        ),
        (
            "preview Comment",
            {**_COMMENTS, "STACK": "dev", "GH_STDOUT": "7"},
            (_FIND, "gh api --silent --method PATCH repos/us/it/issues/comments/7 --field body=@preview.md"),
            "",
        ),
    ],
)
def test_a_script_makes_these_calls_of_git_and_github(
    step: str, given: dict[str, str], calls: tuple[str, ...], output: str, tmp_path: Path
) -> None:
    # GIVEN a script of a workflow, and stubs of git and gh that record their arguments
    workflow, name = step.split()
    path = FOLDER / f"{workflow}.yml"
    (script,) = (each["run"] for each in steps_of(path) if name in {each.get("id"), each.get("name")})
    stubs = (
        'gh() { echo "gh $*" >> calls; [ -z "$GH_STDOUT" ] || echo "$GH_STDOUT"; }\n'
        'git() { echo "git $*" >> calls; [ "$1" != diff ] || return "$GIT_EXIT_CODE"; }\n'
    )
    environment = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary", **given}

    # WHEN it runs as GitHub runs it
    subprocess.run(["bash", "-eo", "pipefail", "-c", stubs + script], cwd=tmp_path, env=environment, check=True)

    # THEN the step `Comment` writes a text with a link to the run. The text reports a failed preview, because the step
    # that writes the preview did not run here
    written = {
        each: (tmp_path / each).read_text() if (tmp_path / each).exists() else ""
        for each in ("calls", "output", "preview.md")
    }
    assert name != "Comment" or all(
        text in written["preview.md"] for text in (marker("dev"), "Preview of dev failed", "https://the.run")
    )
    # AND the calls are these, and the step has this output
    made = written["calls"].splitlines()
    assert [line[: len(call)] for line, call in zip(made, calls, strict=True)] == list(calls)
    assert written["output"].strip() == output


def test_a_failed_run_does_not_cancel_the_other_runs_of_its_job() -> None:
    # GIVEN / WHEN the jobs that run once for each Python release or stack
    several = (("checks", "test"), ("preview", "preview"), ("drift", "drift"))
    runs = {name: job_of(name, job)["strategy"] for name, job in several}

    # THEN GitHub does not cancel the other runs after a failure in one run
    assert [run["fail-fast"] for run in runs.values()] == [False] * 3
    assert runs["checks"]["matrix"] == {"python": ["3.11", "3.13"]}
