"""Tests what `preflight` says before a deployment, of answers that AWS could give."""

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
        pytest.param({}, 10, Verdict.ERROR, id="new account: the worker may take all"),
        pytest.param({"worker_max_concurrency": 9}, 10, Verdict.WARNING, id="one is left for the API"),
        pytest.param({"worker_max_concurrency": 10, "throttle_burst": 90}, 100, Verdict.OK, id="exactly enough"),
        pytest.param({"worker_max_concurrency": 10, "throttle_burst": 91}, 100, Verdict.WARNING, id="one too few"),
        pytest.param({"worker_reserved_concurrency": 10}, 109, Verdict.ERROR, id="Lambda keeps 100"),
        pytest.param({"worker_reserved_concurrency": 10, "throttle_burst": 100}, 110, Verdict.OK, id="reserved"),
        pytest.param(
            {"api_reserved_concurrency": 5, "worker_max_concurrency": 10},
            100 + 5 * len(API_FUNCTIONS),
            Verdict.OK,
            id="each of the API's has its own",
        ),
    ],
)
def test_the_quota_is_held_against_what_worker_and_api_take_at_once(
    options: dict[str, Any], quota: int, verdict: Verdict
) -> None:
    # GIVEN a stack and an account where nobody else reserves anything
    # WHEN
    found = concurrency(config(**options), quota, quota)
    # THEN it says whether both fit, and if not how many to ask for, which is enough
    assert found.verdict is verdict
    if verdict is not Verdict.OK:
        wanted = int(found.todo[0].rpartition(" ")[2])
        assert concurrency(config(**options), wanted, wanted).verdict is Verdict.OK


def test_what_its_own_functions_have_reserved_is_free_for_the_next_deployment() -> None:
    # GIVEN a deployed stack whose worker has 400 of 500 reserved
    outputs = {"process_order_function": "orders-prod-process-order"}
    answers: dict[str, Any] = {
        "get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 500, "UnreservedConcurrentExecutions": 100}},
        "get_function_concurrency": {"ReservedConcurrentExecutions": 400},
    }
    # WHEN it is to reserve the same again
    stack = known(config(worker_reserved_concurrency=400, throttle_burst=100), outputs, **answers)
    # THEN it may
    assert only(capacity(stack), "Lambda's concurrency").verdict is Verdict.OK


def test_the_command_for_the_alarm_on_concurrency_makes_it_right() -> None:
    # GIVEN other thresholds, with and without one for the account
    for given in (("api_4xx_percent=2",), ("api_4xx_percent=2", "account_concurrency=7")):
        stack = config(alarm_thresholds=given)
        # WHEN the quota is another one
        found = alarm(stack, 50)
        # THEN the command changes this threshold, and leaves the others
        assert found.verdict is Verdict.WARNING
        key, text = found.todo[0].split("'")[1], found.todo[0].rpartition(" ")[2]
        items = list(given)
        items[int(key.split("[")[1][:-1]) :] = [text]
        assert items == ["api_4xx_percent=2", "account_concurrency=50"]
        assert alarm(config(alarm_thresholds=tuple(items)), 50).verdict is Verdict.OK


def roles_called(*found: str) -> dict[str, Any]:
    return {"list_roles": {"Roles": [{"RoleName": name} for name in found]}}


def test_names_that_begin_as_the_stacks_are_in_the_way_of_the_first_deployment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a role of this stack's name, one of a sibling's, one of nobody's
    (tmp_path / "Pulumi.prod-eu.yaml").touch()
    monkeypatch.setattr(names, "ROOT", tmp_path)
    answers = roles_called("orders-prod-deploy", "orders-prod-eu-deploy", "orders-production")
    # WHEN
    first = only(names.names(known(config(), **answers)), "roles")
    later = list(names.names(known(config(), {"process_order_function": "orders-prod-process-order"}, **answers)))
    # THEN
    assert (first.verdict, first.found) == (Verdict.ERROR, "in the way: orders-prod-deploy")
    assert [each.verdict for each in later] == [Verdict.OK]


def test_what_a_deployment_that_failed_halfway_has_made_is_not_in_the_way_of_the_next() -> None:
    # GIVEN a state with a role and a queue, and one more role that is not in it
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
    assert found["roles"].found == "in the way: orders-prod-deploy"


def test_log_groups_are_known_by_what_follows_their_folder() -> None:
    # GIVEN
    answers: dict[str, Any] = {"describe_log_groups": {"logGroups": [{"logGroupName": GROUP}]}}
    # WHEN
    found = only(names.names(known(config(), **answers)), "log groups")
    # THEN
    assert found.verdict is Verdict.ERROR
    assert GROUP in found.found


def test_what_may_not_be_read_is_unknown_and_the_rest_goes_on() -> None:
    # GIVEN credentials that may read nothing
    # WHEN everything is asked
    found = checks.ask(known(config(package_bytecode=False), {}))
    # THEN what AWS was asked for is unknown, and nothing of it is called well
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
def test_the_role_of_domain_names(domain: str, answer: Any, verdict: Verdict) -> None:
    # GIVEN
    options = {"domain_name": domain, "domain_zone_id": "Z1"} if domain else {}
    nothing = ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetPolicy")
    # WHEN
    found = list(roles(known(config(**options), get_role=answer, get_policy=nothing)))
    # THEN
    assert [each.verdict for each in found] == [Verdict.OK, verdict]


def test_the_bootstraps_boundary_has_to_be_named_and_a_named_one_has_to_be_there() -> None:
    # GIVEN its name as the template makes it
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


@pytest.mark.parametrize("told_by", [BACKEND_VARIABLE, "pulumi whoami"])
def test_a_lock_that_was_left_behind_is_told_with_its_holder_and_the_way_out(
    told_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a state, as Pulumi keeps it in a folder, which a variable or the `pulumi` command tells
    environment = {told_by: f"file://{tmp_path}"}
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
    # WHEN a run dies with its lock
    locks.mkdir(parents=True)
    lock = {"pid": 7, "username": "runner", "hostname": "ci", "timestamp": "2026-01-02T03:04:05Z"}
    (locks / "1.json").write_text(json.dumps(lock))
    (locks / "2.json").write_text("{")
    held = only(state(known(config()), environment), "lock of the state")
    # THEN
    assert [each.verdict for each in (none, free, held)] == [Verdict.WARNING, Verdict.OK, Verdict.ERROR]
    assert "runner@ci (process 7) since 2026-01-02T03:04:05Z; a lock that cannot be read" in held.found
    assert "pulumi cancel --stack prod" in held.todo[0]


def test_nobody_on_the_pager_and_an_address_that_has_not_confirmed() -> None:
    # GIVEN a deployed stack whose only page goes to an address that nobody confirmed
    outputs = {"alarm_topic_arns": {"page": "arn:aws:sns:eu-west-1:123456789012:orders-prod-alarms-page"}}
    answer = {"Subscriptions": [{"SubscriptionArn": PENDING, "Protocol": "email", "Endpoint": "ada@example.com"}]}
    stack = config(alarm_page_subscriptions=("email=ada@example.com",))
    # WHEN
    nobody = list(people(known(config(), outputs, list_subscriptions_by_topic={"Subscriptions": []})))
    waiting = list(people(known(stack, outputs, list_subscriptions_by_topic=answer)))
    before = list(people(replace(known(stack), outputs=None)))
    # THEN both are said, without the address; before the first deployment nobody could have confirmed
    assert [each.verdict for each in before] == [Verdict.OK, Verdict.OK]
    assert [each.verdict for each in nobody] == [Verdict.WARNING, Verdict.OK]
    assert [each.verdict for each in waiting] == [Verdict.WARNING, Verdict.WARNING]
    assert "email of orders-prod-alarms-page" in waiting[1].found
    assert "ada" not in str(waiting)


TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders-prod-alarms-page"


def test_all_that_is_asked_stands_on_the_page_of_permissions() -> None:
    # GIVEN every option that asks for more
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
    # WHEN everything is asked, before and after the first deployment
    for each in both:
        for findings in (capacity(each), names.names(each), people(each), roles(each)):
            list(findings)
        list(state(each, {BACKEND_VARIABLE: "s3://state"}))
    # THEN docs/ops.md names it; what the deploy role may do is held against that page
    asked = sorted({call for each in both for call in each.asked} - NOT_NAMED)
    (row,) = [line for line in (ROOT / "docs/ops.md").read_text().splitlines() if line.startswith("| `preflight` |")]
    assert len(asked) > 14
    assert [each for each in asked if action(each) not in row] == []


# The one needs no permission, the other is s3:ListBucket.
NOT_NAMED = {"sts.get_caller_identity", "s3.list_objects_v2"}


def action(call: str) -> str:
    """IAM's name of a client's call, without the service."""
    return "".join(word.title() for word in call.partition(".")[2].split("_"))
