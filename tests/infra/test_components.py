"""Components by themselves: identity in the state, use more than once, arguments they refuse."""

from collections import Counter
from typing import ClassVar

import pulumi
import pytest

from components.component import NAMESPACE, Component, Scope
from components.function import Function
from components.http_api import HttpApi
from components.iam import Grant, identity_policy, sid
from components.idempotency_table import IdempotencyTable, IdempotencyTableArgs
from components.queue import Queue, QueueArgs
from components.queue_consumer import QueueConsumer
from components.subscription import Subscription
from components.subscription_args import SubscriptionArgs
from components.table import Table, TableArgs
from components.topic import Topic, TopicArgs
from lab.recording.recording import record

SCOPE = Scope(prefix="orders-test", tags={"Project": "orders"})
QUEUE = QueueArgs(
    visibility_timeout_seconds=60, retention_seconds=600, dead_letter_retention_seconds=1_200, max_receive_count=5
)
# Part of every URN: a change here replaces everything a component holds, unless the old value is in `former_kinds`.
KINDS = {
    Function: "Function",
    HttpApi: "HttpApi",
    IdempotencyTable: "IdempotencyTable",
    Queue: "Queue",
    QueueConsumer: "QueueConsumer",
    Subscription: "Subscription",
    Table: "Table",
    Topic: "Topic",
}


def table_args(**overrides: object) -> TableArgs:
    """A table without guards."""
    values = {"hash_key": "id", "point_in_time_recovery": False, "deletion_protection": False, "protect": False}
    return TableArgs.model_validate({**values, **overrides})


class RenamedQueue(Queue):
    """Stands for a queue component whose kind has changed."""

    kind: ClassVar[str] = "MessageQueue"
    former_kinds: ClassVar[tuple[str, ...]] = ("Queue",)


@pytest.mark.parametrize(("component", "kind"), KINDS.items())
def test_the_kind_in_the_state_is_pinned(component: type[Component], kind: str) -> None:
    # GIVEN / WHEN / THEN
    assert component.kind == kind or kind in component.former_kinds


def test_a_component_in_another_class_and_file_keeps_its_urns() -> None:
    # GIVEN
    moved = type("BetterQueue", (Queue,), {"__module__": "components.somewhere_else"})
    before = record(lambda: Queue("jobs", SCOPE, QUEUE))

    # WHEN
    after = record(lambda: moved("jobs", SCOPE, QUEUE))

    # THEN
    assert before.resources
    assert after == before


def test_a_changed_kind_carries_aliases_that_lead_to_the_old_state() -> None:
    # GIVEN
    def program() -> None:
        RenamedQueue("jobs", SCOPE, QUEUE)

    # WHEN
    recording = record(program)

    # THEN (the engine derives the children's old URNs from their parent's)
    assert recording.one(f"{NAMESPACE}:MessageQueue", "jobs").aliases == (f"{NAMESPACE}:Queue",)
    assert recording.one("aws:sqs/queue:Queue", "jobs").parent.endswith(f"{NAMESPACE}:MessageQueue::jobs")


def test_a_component_used_twice_collides_with_nothing() -> None:
    # GIVEN
    def program() -> None:
        for name in ("jobs", "jobs-urgent"):
            Queue(name, SCOPE, QUEUE)
            Table(name, SCOPE, table_args())
            IdempotencyTable(f"{name}-keys", SCOPE, IdempotencyTableArgs(deletion_protection=False, protect=False))
            Topic(f"{name}-news", SCOPE, TopicArgs(publishers=("role",), subscriptions=()))

    # WHEN
    recording = record(program)

    # THEN
    counts = Counter(each.urn for each in recording.resources)
    assert len(recording.resources) > 20
    assert set(counts.values()) == {1}


def test_a_protected_table_is_protected_in_pulumi_and_in_aws() -> None:
    # GIVEN
    args = table_args(deletion_protection=True, protect=True)

    # WHEN
    recording = record(lambda: Table("data", SCOPE, args))

    # THEN
    table = recording.one("aws:dynamodb/table:Table", "data")
    assert table.protect is True
    assert table.inputs["deletionProtectionEnabled"] is True


def test_a_topic_with_two_publishers_names_both() -> None:
    # GIVEN
    args = TopicArgs(publishers=("a", "b"), subscriptions=())

    # WHEN
    recording = record(lambda: Topic("news", SCOPE, args))

    # THEN
    statements = recording.one("aws:sns/topicPolicy:TopicPolicy", "news-policy").document("policy")["Statement"]
    roles = [f"arn:aws:iam::123456789012:role/{name}" for name in ("a", "b")]
    assert statements[1]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": roles}}


def test_a_misspelt_argument_is_refused() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="ttl_atribute"):
        table_args(ttl_atribute="expires")


class TestGrants:
    @pytest.mark.parametrize("action", ["sqs:*", "sqs:Send*", "*", "SendMessage"])
    def test_an_action_that_is_not_exact_is_refused(self, action: str) -> None:
        # GIVEN / WHEN / THEN
        with pytest.raises(ValueError, match="allowed: exact ones such as sqs:SendMessage"):
            Grant(sid="Some", actions=(action,), resources=("arn:aws:sqs:::q",))

    def test_every_resource_without_a_reason_is_refused(self) -> None:
        # GIVEN / WHEN / THEN
        with pytest.raises(ValueError, match="a reason go together"):
            Grant(sid="Some", actions=("sqs:SendMessage",), resources=("*",))

    def test_a_reason_without_need_is_refused(self) -> None:
        # GIVEN / WHEN / THEN
        with pytest.raises(ValueError, match="a reason go together"):
            Grant(sid="Some", actions=("sqs:SendMessage",), resources=("arn:aws:sqs:::q",), reason="why not")

    def test_two_grants_with_one_statement_id_are_refused(self) -> None:
        # GIVEN
        grant = Grant(sid="Some", actions=("sqs:SendMessage",), resources=("arn:aws:sqs:::q",))

        # WHEN / THEN
        with pytest.raises(ValueError, match=r"\['Some'\] are given twice"):
            identity_policy([grant, grant])

    def test_statement_ids_come_from_names(self) -> None:
        # GIVEN / WHEN / THEN
        assert sid("orders-queue-dlq") == "OrdersQueueDlq"


def test_subscriptions_of_the_component_are_held_to_the_same_rules() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="an e-mail address"):
        SubscriptionArgs(name="ops", protocol="email", endpoint="nobody")


def test_a_component_is_parented_where_its_options_say() -> None:
    # GIVEN
    def program() -> None:
        parent = Table("data", SCOPE, table_args())
        Table("data-copy", SCOPE, table_args(), pulumi.ResourceOptions(parent=parent))

    # WHEN
    recording = record(program)

    # THEN
    parent = recording.one(f"{NAMESPACE}:Table", "data")
    assert recording.one(f"{NAMESPACE}:Table", "data-copy").parent == parent.urn
