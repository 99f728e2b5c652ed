"""Tests the trust policies and parameters of bootstrap/template.yaml. Also tests that the Pulumi
program uses none of the names in this template."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.permissions.grants import VARIANTS, recording_of, stack_of
from lab.permissions.template import ACCOUNT, PATH, accepts, document, resources
from lab.recording.recording import STACKS, Recording
from pipeline.config import ConfigError, parse_config
from tests.infra.test_option_combinations import recorded_combinations

ROLES = {"PreviewRole": ("preview-prod", "drift-prod"), "DeployRole": ("prod",)}
"""For each role, the GitHub environments of stack prod that may assume it."""
IDS = {"OwnerId": "583231", "RepositoryId": "1296269"}


def trust(role: str, stack: str, **parameters: str) -> dict[str, Any]:
    """Return the only statement of a role's trust policy."""
    (statement,) = resources(stack, parameters)[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    found: dict[str, Any] = statement
    return found


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("ids", "repository"),
    [({}, "octo/shop"), (IDS, "octo@583231/shop@1296269")],
    ids=["subjects with names only", "subjects with ids"],
)
def test_only_github_environments_of_one_repository_can_assume_a_role(
    role: str, ids: dict[str, str], repository: str
) -> None:
    # GIVEN
    subjects = [f"repo:{repository}:environment:{environment}" for environment in ROLES[role]]

    # WHEN
    statement = trust(role, "prod", Repository="octo/shop", **ids)

    # THEN the subject has no wildcard, because a wildcard would admit any branch. If the subject
    # has ids, a repository that gets this repository's name later cannot assume the role
    assert statement == {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {
            "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
        },
        "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": subjects if len(subjects) > 1 else subjects[0],
            }
        },
    }


@pytest.mark.parametrize(
    ("parameter", "accepted", "refused"),
    [
        ("Repository", ["octo/shop", "Octo-Cat/a.b_c"], ["shop", "octo@1/shop@2", "octo/*", "octo/shop/x"]),
        ("OwnerId", ["", "583231"], ["octo", "58*", "1/2", "@1"]),
        ("RepositoryId", ["", "1296269"], ["shop", "?", "1:environment:prod"]),
        ("Project", ["orders", "pulumis", "web-shop"], ["pulumi", "pulumi-orders", "Orders", "1orders", ""]),
    ],
)
def test_a_parameter_accepts_only_valid_values(parameter: str, accepted: list[str], refused: list[str]) -> None:
    # GIVEN
    pattern = re.compile(document()["Parameters"][parameter]["AllowedPattern"])

    # WHEN / THEN
    assert [each for each in accepted if not pattern.fullmatch(each)] == []
    assert [each for each in refused if pattern.fullmatch(each)] == []


def test_an_owner_id_and_a_repository_id_are_accepted_only_together() -> None:
    # GIVEN / WHEN / THEN
    assert accepts({})
    assert accepts(IDS)
    assert [name for name in IDS if accepts({name: IDS[name]})] == []


def test_the_cloudformation_linter_finds_nothing_in_the_template() -> None:
    # GIVEN
    command: list[str | Path] = [Path(sys.executable).parent / "cfn-lint", "--include-checks", "I", "--", PATH]

    # WHEN
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    # THEN
    assert (done.returncode, done.stdout) == (0, "")


def template_names(stack: str) -> set[str]:
    """Return every physical name in the template."""
    keys = {"RoleName", "ManagedPolicyName", "AliasName", "BucketName", "PolicyName"}
    return {
        each["Properties"][key]
        for each in resources(stack).values()
        for key in keys
        if key in each.get("Properties", {})
    }


def given_names(recording: Recording) -> set[str]:
    """Return every top-level text input of the program's resources. All physical names are among them."""
    return {
        value for each in recording.resources if each.custom for value in each.inputs.values() if isinstance(value, str)
    }


def assert_no_common_name(recording: Recording, stack: str) -> None:
    names = given_names(recording)
    assert f"orders-{stack}-create-order" in names
    assert {each: both for each in {*STACKS, stack} if (both := names & template_names(each))} == {}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_program_and_the_template_have_no_name_in_common(variant: str) -> None:
    # GIVEN / WHEN / THEN
    assert len(template_names("prod")) == 4
    assert_no_common_name(recording_of(variant), stack_of(variant))


@pytest.mark.long
def test_the_program_and_the_template_have_no_name_in_common_whatever_the_options() -> None:
    # GIVEN / WHEN / THEN
    for _, recording in recorded_combinations():
        assert_no_common_name(recording, "test")


STACK_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)


@given(STACK_NAMES)
def test_names_in_the_template_begin_with_pulumi_then_project_then_stack(stack: str) -> None:
    # GIVEN / WHEN
    names = {name.removeprefix("alias/") for name in template_names(stack)}

    # THEN
    assert {name for name in names if not name.startswith(f"pulumi-orders-{stack}")} == set()


def test_a_project_name_that_begins_with_pulumi_and_a_hyphen_is_refused() -> None:
    # GIVEN / WHEN
    with pytest.raises(ConfigError) as refused:
        parse_config({"environment": "development"}, project="pulumi-orders", stack="dev")

    # THEN
    assert "pulumi-" in str(refused.value)
