"""The GitHub workflows and the bootstrap template, linted and held to what docs/delivery.md promises."""

import json
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


class _CloudFormation(yaml.SafeLoader):
    """Reads `!Sub` and its like as plain values."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_CloudFormation.add_multi_constructor("!", _plain)


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    # YAML 1.1 reads the key `on` as true.
    document["on"] = document.pop(True)  # type: ignore[call-overload]  # the key is a boolean there
    return document


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(path)["jobs"]
    return found


def roles() -> dict[str, dict[str, Any]]:
    template = yaml.load((ROOT / "bootstrap" / "template.yaml").read_text(), _CloudFormation)  # noqa: S506 a SafeLoader
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }


def policy_statements(role: str) -> list[dict[str, Any]]:
    return [each for policy in roles()[role]["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def allowed(role: str) -> list[str]:
    statements = [each for each in policy_statements(role) if each["Effect"] == "Allow"]
    actions = [[each["Action"]] if isinstance(each["Action"], str) else each["Action"] for each in statements]
    return [action for some in actions for action in some]


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


@pytest.mark.parametrize(
    ("role", "environment"),
    [("PreviewRole", "preview-${Environment}"), ("DeployRole", "${Environment}")],
    ids=["preview", "deploy"],
)
def test_a_role_is_for_one_github_environment_of_one_repository(role: str, environment: str) -> None:
    # GIVEN the role's trust
    (statement,) = roles()[role]["AssumeRolePolicyDocument"]["Statement"]
    # THEN it is exact: a wildcard would let any branch in
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:${Repository}:environment:" + environment,
        }
    }


@pytest.mark.parametrize("workflow", ["preview", "drift"])
def test_each_stack_is_previewed_with_its_own_backend_and_role(workflow: str) -> None:
    # GIVEN the job that looks at one stack
    job = jobs(FOLDER / f"{workflow}.yml")[workflow]
    # THEN its environment is the stack's: every stack has a state bucket and a role of its own
    assert job["environment"] == "preview-${{ matrix.stack }}"
    assert job["strategy"]["matrix"]["stack"] == ["dev", "prod"]


def test_the_preview_role_changes_nothing() -> None:
    # GIVEN every action of the role
    reading = re.compile(r":(Get|List|Describe|Decrypt|GET)")
    # THEN none changes anything, the state and its locks included
    assert [action for action in allowed("PreviewRole") if not reading.search(action)] == []


@pytest.mark.parametrize(
    "action",
    [
        "acm:DescribeCertificate",
        "cloudfront:GetDistribution",
        "route53:ListResourceRecordSets",
        "wafv2:GetLoggingConfiguration",
        "xray:GetGroup",
        "xray:ListTagsForResource",
    ],
)
def test_the_preview_role_reads_what_options_add(action: str) -> None:
    assert action in allowed("PreviewRole")


def test_the_deploy_role_may_start_and_stop_a_gradual_deployment() -> None:
    # GIVEN CodeDeploy's configurations, which are AWS's and carry no name of the stack
    anywhere = [
        action
        for statement in policy_statements("DeployRole")
        if statement["Resource"] == "*"
        for action in statement["Action"]
    ]
    # THEN
    assert {"codedeploy:GetDeploymentConfig", "codedeploy:StopDeployment"} <= set(anywhere)


def test_the_deploy_role_may_make_the_log_of_the_firewall() -> None:
    # GIVEN its name, which begins as WAF wants it to
    resources = [resource for statement in policy_statements("DeployRole") for resource in statement["Resource"]]
    # THEN
    assert any("log-group:aws-waf-logs-${Project}-${Environment}-*" in resource for resource in resources)


@pytest.mark.parametrize("role", ["PreviewRole", "DeployRole"])
def test_a_role_fits_into_what_iam_takes(role: str) -> None:
    # GIVEN all its own policies without white space, at names as long as they get in practice
    documents = [policy["PolicyDocument"] for policy in roles()[role]["Policies"]]
    text = json.dumps(documents, separators=(",", ":"))
    # THEN they are within IAM's 10,240 characters for one role
    assert len(text) < 10_000


def test_the_deploy_role_cannot_change_the_roles_that_deploy() -> None:
    # GIVEN
    denied = [statement for statement in policy_statements("DeployRole") if statement["Effect"] == "Deny"]
    # THEN nor the boundary of the roles that it makes
    assert [(statement["Action"], len(statement["Resource"])) for statement in denied] == [("iam:*", 3)]


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
