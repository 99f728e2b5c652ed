"""Tests components on their own: their URNs, several uses in one program, and the arguments that they refuse."""

import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar, get_type_hints

import pulumi
import pytest
from pydantic import ValidationError

import components
from components.component import NAMESPACE, Args, Component, Scope
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.function import FunctionArgs, WarmStart
from components.iam import Grant, identity_policy, sid
from components.idempotency_table import IdempotencyTable, IdempotencyTableArgs
from components.queue import Queue, QueueArgs
from components.subscription_args import SubscriptionArgs
from components.table import Table, TableArgs
from components.token_issuer import TokenIssuer, TokenIssuerArgs
from components.topic import Topic, TopicArgs
from components.trace_group import TraceGroupArgs
from lab.recording.recording import record

SCOPE = Scope(prefix="orders-test", tags={"Project": "orders"})
QUEUE = QueueArgs(
    visibility_timeout_seconds=60, retention_seconds=600, dead_letter_retention_seconds=1_200, max_receive_count=5
)
TOKENS = TokenIssuerArgs(
    audience="data",
    scopes={"read": "Read"},
    clients=("shop",),
    validity_seconds=3_600,
    deletion_protection=False,
    protect=False,
)
SUBSCRIBER = SubscriptionArgs(name="billing", protocol="sqs")
# A kind is part of the URNs of a component's resources. If the kind changes, Pulumi replaces all these resources,
# unless the old kind is in `former_kinds`.
KINDS = {
    *("AlarmTopics", "Alarms", "Certificate", "CustomDomain", "Dashboard", "Edge", "EncryptionKey", "EventBus"),
    *("EventSubscription", "Function", "GradualDeploy", "HttpApi", "IdempotencyTable", "Queue", "QueueConsumer"),
    *("Subscription", "Table", "TokenIssuer", "Topic", "TraceGroup"),
}


def every_component() -> list[type[Component]]:
    """Return all components, sorted by name."""
    for module in pkgutil.walk_packages(components.__path__, "components."):
        importlib.import_module(module.name)
    found = [each for each in Component.__subclasses__() if each.__module__.startswith("components.")]
    return sorted(found, key=lambda each: each.__name__)


COMPONENTS = every_component()


def table_args(**overrides: object) -> TableArgs:
    """Return the arguments of a table without protection."""
    values = {"hash_key": "id", "point_in_time_recovery": False, "deletion_protection": False, "protect": False}
    return TableArgs.model_validate({**values, **overrides})


class RenamedQueue(Queue):
    """A queue component whose kind has changed."""

    kind: ClassVar[str] = "MessageQueue"
    former_kinds: ClassVar[tuple[str, ...]] = ("Queue",)


def test_every_present_or_former_kind_belongs_to_exactly_one_component() -> None:
    # GIVEN / WHEN
    kinds = [kind for each in COMPONENTS for kind in (each.kind, *each.former_kinds)]

    # THEN
    assert len(kinds) == len(set(kinds))
    assert set(kinds) >= KINDS
    assert {each.kind for each in COMPONENTS} <= KINDS, "add the new kind to KINDS, and never remove it"


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_accepts_name_scope_args_and_options(component: type[Component]) -> None:
    # GIVEN / WHEN
    parameters = inspect.signature(component).parameters
    hints = get_type_hints(component.__init__)

    # THEN
    assert [*parameters] == ["name", "scope", "args", "opts"]
    assert (hints["name"], hints["scope"]) == (str, Scope)
    assert issubclass(hints["args"], Args)
    assert parameters["opts"].default is None


def test_a_component_that_moves_to_another_class_and_file_keeps_its_urns() -> None:
    # GIVEN
    moved = type("BetterQueue", (Queue,), {"__module__": "components.somewhere_else"})
    before = record(lambda: Queue("jobs", SCOPE, QUEUE))

    # WHEN
    after = record(lambda: moved("jobs", SCOPE, QUEUE))

    # THEN
    assert before.resources
    assert after == before


def test_a_component_with_a_changed_kind_has_an_alias_of_the_former_kind() -> None:
    # GIVEN
    def program() -> None:
        RenamedQueue("jobs", SCOPE, QUEUE)

    # WHEN
    recording = record(program)

    # THEN the component has the alias. The engine derives the old URNs of the component's children from this alias
    assert recording.one(f"{NAMESPACE}:MessageQueue", "jobs").aliases == (f"{NAMESPACE}:Queue",)
    assert recording.one("aws:sqs/queue:Queue", "jobs").parent.endswith(f"{NAMESPACE}:MessageQueue::jobs")


def test_components_used_twice_have_unique_urns() -> None:
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


@pytest.mark.parametrize(
    "make",
    [
        partial(Queue, "data", SCOPE, QUEUE),
        partial(Table, "data", SCOPE, table_args()),
        partial(IdempotencyTable, "data", SCOPE, IdempotencyTableArgs(deletion_protection=False, protect=False)),
        partial(EncryptionKey, "data", SCOPE, EncryptionKeyArgs(protect=False)),
        partial(TokenIssuer, "data", SCOPE, TOKENS),
        partial(Topic, "data", SCOPE, TopicArgs(publishers=("role",), subscriptions=(SUBSCRIBER,))),
    ],
    ids=lambda make: make.func.__name__,
)
def test_protecting_a_component_protects_all_its_resources(make: Callable[..., Component]) -> None:
    # GIVEN a component whose arguments (`args`) do not protect it

    # WHEN its resource options (`opts`) protect it
    recording = record(lambda: make(opts=pulumi.ResourceOptions(protect=True)))

    # THEN
    assert len(recording.resources) > 1
    assert [each.name for each in recording.resources if not each.protect] == []


def test_the_policy_of_a_topic_with_two_publishers_names_both() -> None:
    # GIVEN
    args = TopicArgs(publishers=("a", "b"), subscriptions=())

    # WHEN
    recording = record(lambda: Topic("news", SCOPE, args))

    # THEN
    statements = recording.one("aws:sns/topicPolicy:TopicPolicy", "news-policy").document("policy")["Statement"]
    roles = [f"arn:aws:iam::123456789012:role/{name}" for name in ("a", "b")]
    assert statements[1]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": roles}}


@pytest.mark.parametrize(
    ("args", "field", "most", "beyond"),
    [(FunctionArgs, "description", "d" * 256, "d" * 257), (TraceGroupArgs, "slow_seconds", 1, 0)],
)
def test_an_argument_is_accepted_at_its_limit_and_refused_beyond_it(
    args: type[Args], field: str, most: object, beyond: object
) -> None:
    for value, accepted in ((most, True), (beyond, False)):
        # GIVEN / WHEN only this argument is given
        with pytest.raises(ValidationError) as refusal:
            args.model_validate({field: value})

        # THEN
        assert ((field,) not in {each["loc"] for each in refusal.value.errors()}) is accepted


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

    def test_a_grant_on_all_resources_needs_a_reason(self) -> None:
        # GIVEN / WHEN / THEN
        with pytest.raises(ValueError, match="a reason go together"):
            Grant(sid="Some", actions=("sqs:SendMessage",), resources=("*",))

    def test_a_reason_on_a_grant_for_one_resource_is_refused(self) -> None:
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


def test_a_function_cannot_have_both_snapshots_and_ready_instances() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="one of the two"):
        WarmStart(snapshots=True, ready_instances=1)


def test_subscription_args_check_the_endpoint_as_the_configuration_does() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="an e-mail address"):
        SubscriptionArgs(name="ops", protocol="email", endpoint="nobody")


@pytest.mark.parametrize(
    ("sizes", "accepted"), [((10, 15), True), ((10, 16), False), ((1,) * 5, True), ((1,) * 6, False)]
)
def test_a_filter_policy_is_accepted_up_to_the_limits_of_sns(sizes: tuple[int, ...], accepted: bool) -> None:
    # GIVEN attributes with these numbers of values
    policy: dict[str, Any] = {f"a{index}": [str(value) for value in range(size)] for index, size in enumerate(sizes)}

    # WHEN / THEN
    with nullcontext() if accepted else pytest.raises(ValueError, match="filter_policy"):
        SubscriptionArgs(name="billing", protocol="sqs", filter_policy=policy)


def test_a_component_gets_the_parent_that_is_given_in_its_options() -> None:
    # GIVEN
    def program() -> None:
        parent = Table("data", SCOPE, table_args())
        Table("data-copy", SCOPE, table_args(), pulumi.ResourceOptions(parent=parent))

    # WHEN
    recording = record(program)

    # THEN
    parent = recording.one(f"{NAMESPACE}:Table", "data")
    assert recording.one(f"{NAMESPACE}:Table", "data-copy").parent == parent.urn
