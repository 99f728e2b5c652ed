"""Tests that, for every resource, the deploy role allows the provider's calls, and the preview role allows the
provider's reads. Also tests the entries of provider_calls.toml."""

import re
from collections import Counter

import pytest

from lab.permissions.grants import VARIANTS, recording_of, stack_of
from lab.permissions.iam import allows
from lab.permissions.provider_calls import KINDS, everywhere, requests, table
from lab.permissions.template import boundary_arn, statements
from lab.recording.recording import Recorded, Recording
from tests.infra.test_option_combinations import recorded_combinations

ZONE = {"HostedZoneId": "Z123"}
READS = re.compile(r":(Get|List|Describe|GET)")
# Reads that the provider makes only after a change, not in a refresh: log deliveries, the state of a DNS change, and
# the instance profiles of a deleted role.
NOT_REFRESHED = {
    "iam:ListInstanceProfilesForRole",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "route53:GetChange",
}


def refused(recording: Recording, stack: str) -> list[str]:
    """Return the calls that a recorded stack needs, but the stack's deploy role does not allow."""
    role = statements("DeployRole", stack, ZONE)
    every = list(requests(recording, boundary_arn(stack)))
    assert len(every) > 200
    return [str(each) for each in every if not allows(role, each.action, each.resource, each.context)]


def unreadable(recording: Recording, stack: str) -> list[str]:
    """Return the calls that a refresh of a recorded stack needs, but the stack's preview role does not allow."""
    role = statements("PreviewRole", stack)
    every = [each for each in requests(recording, "") if READS.search(each.action) and each.action not in NOT_REFRESHED]
    assert len(every) > 50
    return [str(each) for each in every if not allows(role, each.action, each.resource, each.context)]


# Stack local runs on the embedded AWS and has neither a deploy role nor a preview role.
@pytest.mark.parametrize("variant", [each for each in VARIANTS if each != "local"])
def test_the_deploy_role_allows_every_call_that_the_provider_makes_for_the_stacks_resources(variant: str) -> None:
    # GIVEN / WHEN / THEN
    assert refused(recording_of(variant), stack_of(variant)) == []


@pytest.mark.parametrize("variant", [each for each in VARIANTS if each != "local"])
def test_the_preview_role_allows_every_read_of_a_refresh(variant: str) -> None:
    # GIVEN / WHEN / THEN
    assert unreadable(recording_of(variant), stack_of(variant)) == []


@pytest.mark.long
def test_both_roles_allow_the_calls_that_the_provider_needs_whatever_options_a_stack_has() -> None:
    # GIVEN / WHEN
    recordings = [recording for _, recording in recorded_combinations()]

    # THEN
    assert Counter(each for recording in recordings for each in refused(recording, "test")) == {}
    assert Counter(each for recording in recordings for each in unreadable(recording, "test")) == {}


def test_a_type_of_resource_without_an_entry_is_an_error() -> None:
    # GIVEN
    unknown = Recorded("aws:s3/bucket:Bucket", "files", "urn", "", True, {}, False, (), ())

    # WHEN / THEN
    with pytest.raises(LookupError, match=r"aws:s3/bucket:Bucket.*provider_calls\.toml"):
        list(requests(Recording([unknown]), ""))


@pytest.mark.long
def test_every_entry_is_of_a_type_that_the_program_registers() -> None:
    # GIVEN
    entries = set(table())

    # WHEN
    made = {each.type for _, recording in recorded_combinations() for each in recording.resources}

    # THEN
    assert entries - made == set()


@pytest.mark.parametrize("entry", table())
def test_an_entry_lists_no_call_twice_and_has_a_source_if_it_lists_calls_under_read(entry: str) -> None:
    # GIVEN an entry of provider_calls.toml. `seen` lists calls that the provider made. `read` lists
    # calls that are taken from `source`
    content = table()[entry]
    calls = [(on, action) for kind in KINDS for on, actions in content.get(kind, {}).items() for action in actions]

    # WHEN / THEN
    assert calls
    assert len(calls) == len(set(calls))
    assert ("source" in content) >= ("read" in content)


def test_the_table_everywhere_lists_exactly_the_calls_that_must_be_allowed_on_all_resources() -> None:
    # GIVEN
    calls = {
        (on, action)
        for entry in table().values()
        for kind in KINDS
        for on, actions in entry.get(kind, {}).items()
        for action in actions
    }

    # WHEN
    wide = {action for on, action in calls if on == "*"}

    # THEN the table `everywhere` has a reason for each of these calls, and for no other call
    assert wide == set(everywhere())
    assert [each for each in calls if each[0] != "*" and each[1] in everywhere()] == []
