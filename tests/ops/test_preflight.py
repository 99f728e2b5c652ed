"""Tests what `preflight` reports before a deployment, for the answers that AWS could give."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.preflight import checks, names
from ops.preflight.capacity import alarm, capacity, concurrency
from ops.preflight.checks import run_checks
from ops.preflight.finding import Verdict
from ops.preflight.names import roles
from ops.preflight.people import people
from ops.preflight.state import BACKEND_VARIABLE, state
from ops.target import ROOT
from pipeline.functions import API_FUNCTIONS
from tests.ops.preflighting import config, known, only
from tests.ops.test_target import outputs

PENDING = "PendingConfirmation"
GROUP = "/aws/lambda/orders-prod-get-order"


@pytest.mark.parametrize(
    ("options", "quota", "verdict"),
    [
        pytest.param({}, 1_000, Verdict.OK, id="usual"),
        pytest.param({}, 10, Verdict.ERROR, id="new account: nothing is left for the API"),
        pytest.param({"worker_max_concurrency": 9}, 10, Verdict.WARNING, id="one execution is left for the API"),
        pytest.param({"worker_max_concurrency": 10, "throttle_burst": 90}, 100, Verdict.OK, id="exactly enough"),
        pytest.param(
            {"worker_max_concurrency": 10, "throttle_burst": 91}, 100, Verdict.WARNING, id="one execution too few"
        ),
        pytest.param({"worker_reserved_concurrency": 10}, 109, Verdict.ERROR, id="Lambda must keep 100 unreserved"),
        pytest.param(
            {"worker_reserved_concurrency": 10, "throttle_burst": 100}, 110, Verdict.OK, id="100 stay unreserved"
        ),
        pytest.param(
            {"api_reserved_concurrency": 5, "worker_max_concurrency": 10},
            100 + 5 * len(API_FUNCTIONS),
            Verdict.OK,
            id="reservations of the API's functions",
        ),
    ],
)
def test_the_quota_is_compared_with_the_concurrency_of_worker_and_api(
    options: dict[str, Any], quota: int, verdict: Verdict
) -> None:
    # GIVEN a stack in an account without other reservations
    # WHEN
    found = concurrency(config(**options), quota, quota)
    # THEN the finding says whether the quota is enough for worker and API. If not, it advises a quota that is enough.
    assert found.verdict is verdict
    if verdict is not Verdict.OK:
        wanted = int(found.todo[0].rpartition(" ")[2])
        assert concurrency(config(**options), wanted, wanted).verdict is Verdict.OK


def test_the_next_deployment_can_use_the_executions_that_the_stack_has_already_reserved() -> None:
    # GIVEN a deployed stack whose worker reserves 400 of the account's 500 executions
    outputs = {"process_order_function": "orders-prod-process-order"}
    answers: dict[str, Any] = {
        "get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 500, "UnreservedConcurrentExecutions": 100}},
        "get_function_concurrency": {"ReservedConcurrentExecutions": 400},
    }
    # WHEN its next deployment reserves 400 again
    stack = known(config(worker_reserved_concurrency=400, throttle_burst=100), outputs, **answers)
    # THEN the quota is enough
    assert only(capacity(stack), "Lambda's concurrency").verdict is Verdict.OK


def test_the_advised_command_corrects_the_alarm_on_concurrency() -> None:
    # GIVEN two stacks that set the same threshold. The second also sets the threshold for the account's concurrency
    for given in (("api_4xx_percent=2",), ("api_4xx_percent=2", "account_concurrency=7")):
        stack = config(alarm_thresholds=given)
        # WHEN the account's quota differs from the threshold for concurrency
        found = alarm(stack, 50)
        # THEN the advised command sets the threshold for concurrency to the quota, and keeps the other threshold
        assert found.verdict is Verdict.WARNING
        key, text = found.todo[0].split("'")[1], found.todo[0].rpartition(" ")[2]
        items = list(given)
        items[int(key.split("[")[1][:-1]) :] = [text]
        assert items == ["api_4xx_percent=2", "account_concurrency=50"]
        assert alarm(config(alarm_thresholds=tuple(items)), 50).verdict is Verdict.OK


def roles_called(*found: str) -> dict[str, Any]:
    return {"list_roles": {"Roles": [{"RoleName": name} for name in found]}}


def test_only_a_first_deployment_is_blocked_by_existing_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a role of this stack, a role of the stack prod-eu, and a role of no stack
    (tmp_path / "Pulumi.prod-eu.yaml").touch()
    monkeypatch.setattr(names, "ROOT", tmp_path)
    answers = roles_called("orders-prod-deploy", "orders-prod-eu-deploy", "orders-production")
    # WHEN
    first = only(names.names(known(config(), **answers)), "roles")
    later = list(names.names(known(config(), {"process_order_function": "orders-prod-process-order"}, **answers)))
    # THEN
    assert (first.verdict, first.found) == (Verdict.ERROR, "already used: orders-prod-deploy")
    assert [each.verdict for each in later] == [Verdict.OK]


def test_resources_in_the_state_do_not_block_the_next_deployment() -> None:
    # GIVEN a failed deployment whose state has a role and a queue, and an existing role that is not in the state
    answers: dict[str, Any] = {
        **roles_called("orders-prod-get-order", "orders-prod-deploy"),
        "list_queues": {"QueueUrls": ["https://sqs.eu-west-1.amazonaws.com/123456789012/orders-prod-orders-queue"]},
    }
    stack = known(config(), **answers)
    queue_url, role = answers["list_queues"]["QueueUrls"][0], "orders-prod-get-order"
    vars(stack)["owned"] = frozenset({queue_url, role})
    # WHEN
    found = {each.check: each for each in names.names(stack)}
    # THEN
    assert found["queues"].verdict is Verdict.OK
    assert found["roles"].found == "already used: orders-prod-deploy"


def test_a_log_group_is_assigned_to_its_stack_by_the_last_part_of_its_name() -> None:
    # GIVEN
    answers: dict[str, Any] = {"describe_log_groups": {"logGroups": [{"logGroupName": GROUP}]}}
    # WHEN
    found = only(names.names(known(config(), **answers)), "log groups")
    # THEN
    assert found.verdict is Verdict.ERROR
    assert GROUP in found.found


def test_a_check_that_lacks_permission_is_unknown_but_other_checks_still_run() -> None:
    # GIVEN credentials without permissions
    # WHEN every check runs
    found = checks.run_checks(known(config(package_bytecode=False), {}))
    # THEN each check that needs AWS is unknown, and the others have their verdict
    answered = {each.check: each.verdict for each in found}
    of_aws = {"capacity", "roles", "functions", "tables", "queues", "topics", "log groups", "alarms"}
    assert {check for check, verdict in answered.items() if verdict is Verdict.UNKNOWN} >= of_aws
    assert answered["Python for byte code"] is Verdict.OK


@pytest.mark.parametrize(
    ("domain", "answer", "verdict"),
    [
        ("", None, Verdict.OK),
        ("orders.example.com", {}, Verdict.OK),
        ("orders.example.com", ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetRole"), Verdict.WARNING),
    ],
)
def test_a_missing_role_for_domains_is_a_warning_if_a_domain_is_set(domain: str, answer: Any, verdict: Verdict) -> None:
    # GIVEN
    options = {"domain_name": domain, "domain_zone_id": "Z1"} if domain else {}
    nothing = ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetPolicy")
    # WHEN
    found = list(roles(known(config(**options), get_role=answer, get_policy=nothing)))
    # THEN
    assert [each.verdict for each in found] == [Verdict.OK, verdict]


def test_an_existing_permissions_boundary_must_be_set_and_a_set_one_must_exist() -> None:
    # GIVEN the name that the bootstrap's template gives to the permissions boundary
    template = (ROOT / "bootstrap/template.yaml").read_text()
    assert 'ManagedPolicyName: !Sub "pulumi-${Project}-${Environment}-boundary"' in template
    arn = "arn:aws:iam::123456789012:policy/pulumi-orders-prod-boundary"
    missing = ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetPolicy")
    named = config(permissions_boundary_arn=arn)
    # WHEN
    forgotten = only(roles(known(config(), get_policy={})), "permissions boundary")
    absent = only(roles(known(named, get_policy=missing)), "permissions boundary")
    there = only(roles(known(named, get_policy={})), "permissions boundary")
    # THEN
    assert [each.verdict for each in (forgotten, absent, there)] == [Verdict.WARNING, Verdict.ERROR, Verdict.OK]
    assert forgotten.todo == (f"pulumi config set permissions_boundary_arn {arn}",)


@pytest.mark.parametrize("source", [BACKEND_VARIABLE, "pulumi whoami"])
def test_a_lock_in_the_state_is_reported_with_its_holder_and_the_command_to_remove_it(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a state in a folder. A variable or the `pulumi` command says which folder
    environment = {source: f"file://{tmp_path}"}
    answer = json.dumps({"url": f"file://{tmp_path}"})
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!/bin/sh\n[ \"$*\" = 'whoami --json --non-interactive' ] && echo '{answer}'\n")
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    stacks, locks = tmp_path / ".pulumi/stacks/orders", tmp_path / ".pulumi/locks/organization/orders/prod"
    stacks.mkdir(parents=True)
    none = only(state(known(config()), environment), "lock of the state")
    (stacks / "prod.json").touch()
    free = only(state(known(config()), environment), "lock of the state")
    # WHEN a run dies and leaves its lock
    locks.mkdir(parents=True)
    lock = {"pid": 7, "username": "runner", "hostname": "ci", "timestamp": "2026-01-02T03:04:05Z"}
    (locks / "1.json").write_text(json.dumps(lock))
    (locks / "2.json").write_text("{")
    held = only(state(known(config()), environment), "lock of the state")
    # THEN
    assert [each.verdict for each in (none, free, held)] == [Verdict.WARNING, Verdict.OK, Verdict.ERROR]
    assert "runner@ci (process 7) since 2026-01-02T03:04:05Z; an unknown run, whose lock cannot be read" in held.found
    assert "pulumi cancel --stack prod" in held.todo[0]


def test_each_advised_change_of_an_option_names_the_stack() -> None:
    # GIVEN a stack that needs changes of its options: fewer workers, another threshold, a receiver of pages, a boundary
    missing = ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetPolicy")
    limits = {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}}
    facts = known(config(alarms=True), get_account_settings=limits, get_policy={}, get_role=missing)
    # WHEN all checks advise commands
    found = run_checks(facts)
    # THEN
    advised = [todo for each in found for todo in each.todo if "pulumi config set" in todo]
    assert len(advised) == 4
    assert all("pulumi config set --stack prod " in todo for todo in advised)


def test_an_unconfirmed_address_and_a_page_topic_without_a_subscriber_are_reported() -> None:
    # GIVEN a deployed stack without subscribers to pages, and one whose only address is not confirmed
    outputs = {"alarm_topic_arns": {"page": "arn:aws:sns:eu-west-1:123456789012:orders-prod-alarms-page"}}
    answer = {"Subscriptions": [{"SubscriptionArn": PENDING, "Protocol": "email", "Endpoint": "ada@example.com"}]}
    stack = config(alarm_page_subscriptions=("email=ada@example.com",))
    # WHEN
    nobody = list(people(known(config(), outputs, list_subscriptions_by_topic={"Subscriptions": []})))
    waiting = list(people(known(stack, outputs, list_subscriptions_by_topic=answer)))
    before = list(people(replace(known(stack), outputs=None)))
    # THEN both are reported, without the address. Before the first deployment, when no address can be confirmed,
    # nothing is reported
    assert [each.verdict for each in before] == [Verdict.OK, Verdict.OK]
    assert [each.verdict for each in nobody] == [Verdict.WARNING, Verdict.OK]
    assert [each.verdict for each in waiting] == [Verdict.WARNING, Verdict.WARNING]
    assert "email of orders-prod-alarms-page" in waiting[1].found
    assert "ada" not in str(waiting)


TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders-prod-alarms-page"


def test_every_permission_that_preflight_needs_is_in_the_docs() -> None:
    # GIVEN every option that adds a check
    stack = config(
        domain_name="orders.example.com",
        domain_zone_id="Z1",
        events_target="bus",
        gradual_deploy="Canary10Percent5Minutes",
        alarm_page_subscriptions=("email=ada@example.com",),
    )
    answers: dict[str, Any] = {
        "get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 9, "UnreservedConcurrentExecutions": 9}},
        "get_function_concurrency": {},
        "list_event_buses": {"EventBuses": []},
        "list_subscriptions_by_topic": {"Subscriptions": []},
        "get_policy": {},
        "get_role": {},
        "get_bucket_versioning": {},
        "list_objects_v2": {"Contents": [{"Key": "k"}]},
        "get_object": {"Body": BytesIO(b"")},
    }
    both = [known(stack, **answers), known(stack, outputs(alarm_topic_arns={"page": TOPIC}), **answers)]
    # WHEN every check runs, before and after the first deployment
    for each in both:
        for findings in (capacity(each), names.names(each), people(each), roles(each)):
            list(findings)
        list(state(each, {BACKEND_VARIABLE: "s3://state"}))
    # THEN docs/ops.md names each call. tests/docs/test_bootstrap.py compares that page with the deploy role.
    called = sorted({call for each in both for call in each.called} - NOT_NAMED)
    (row,) = [line for line in (ROOT / "docs/ops.md").read_text().splitlines() if line.startswith("| `preflight` |")]
    assert len(called) > 14
    assert [each for each in called if action(each) not in row] == []


# `get_caller_identity` needs no permission. `list_objects_v2` needs s3:ListBucket, whose name differs from the call's.
NOT_NAMED = {"sts.get_caller_identity", "s3.list_objects_v2"}


def action(call: str) -> str:
    """Return the name of the IAM action for a client's call, without the service's prefix."""
    return "".join(word.title() for word in call.partition(".")[2].split("_"))
