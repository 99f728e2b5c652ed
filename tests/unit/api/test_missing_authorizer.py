"""Tests requests that did not go through an authorizer, although the stack has one.

The client made no mistake: a deploy is under way, or a route is wrong. So the answer is 503.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.http.problems import ProblemError
from runtime.http.request import identity_of, parse_event
from runtime.http.responses import Response
from runtime.logic.failures import AuthorizerMissingError
from runtime.logic.keys import ANONYMOUS, Identity, caller_id
from runtime.metric import MetricName
from runtime.observability import metrics
from runtime.settings import IntakeSettings, LookupSettings
from tests.unit.api.conftest import ORDERS, Api, UntouchedClient
from tests.unit.api.factories import context, document, get, post, problem

RELAXED = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
# Includes lone surrogates: JSON escapes can produce them, and UTF-8 cannot encode them.
text = st.text(st.characters(codec=None), max_size=20)
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text
junk = st.recursive(scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3))


def near(value: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for documents like `value` in which any part is replaced, left out or added."""
    if isinstance(value, dict):
        parts = st.fixed_dictionaries({}, optional={name: near(part) for name, part in value.items()})
        return (
            parts
            | st.builds(lambda part, more: {**more, **part}, parts, st.dictionaries(text, junk, max_size=1))
            | junk
        )
    if isinstance(value, list):
        return st.lists(near(value[0]), max_size=3) | junk
    return st.just(value) | st.just(value) | junk


ALICE = ("https://issuer", "alice")
SOME_ID = "00000000-0000-5000-8000-000000000000"
ENDPOINTS = ("create", "lookup")
NOTHING: tuple[object, ...] = (None, {}, [], "", 0, False)
INTAKE = {"ORDERS_TABLE": "t", "ORDERS_QUEUE_URL": "q", "IDEMPOTENCY_TABLE": "i"}


class WatchedClient(UntouchedClient):
    """A client that records every call in `calls` and fails it.

    A failed call leads to 503 too, so tests check `calls`, not only the status.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        self.calls.append(operation)
        return super().__getattr__(operation)


@pytest.fixture
def client() -> WatchedClient:
    """Return one client that is used for all services."""
    return WatchedClient()


@pytest.fixture
def verified_api(client: Any) -> Api:
    """Return the API of a stack with an authorizer."""
    settings = IntakeSettings(orders_table=ORDERS, orders_queue_url="q", idempotency_table="i", jwt_authorizer=True)
    return Api(client, client, settings)


@pytest.fixture
def counted() -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the metrics of one invocation, by name."""
    metrics.clear_metrics()
    yield metrics.metric_set
    metrics.clear_metrics()


def send(api: Api, endpoint: str, event: object) -> Response:
    """Return the answer of one of the two endpoints."""
    response: Response = getattr(api, endpoint).handle(event, context())
    return response


def passed_an_authorizer(event: object) -> bool:
    return bool(parse_event(event).context.get("authorizer"))


@pytest.mark.parametrize("event", [post(), get(SOME_ID)], ids=ENDPOINTS)
@pytest.mark.parametrize("authorizer", NOTHING)
def test_an_endpoint_without_its_authorizer_makes_no_call_and_answers_503(
    verified_api: Api, client: WatchedClient, event: dict[str, object], authorizer: object
) -> None:
    # GIVEN a valid request that did not go through an authorizer
    endpoint = "lookup" if "pathParameters" in event else "create"
    sent = {**event, "requestContext": {"requestId": "JKJaXmPLvHcESHA=", "authorizer": authorizer}}

    # WHEN it is handled
    response = send(verified_api, endpoint, sent)

    # THEN the client may retry it, the answer names no order, and no table or queue is called
    assert response["statusCode"] == 503
    assert problem(response) == "outcome-unknown"
    assert response["headers"]["Retry-After"] == "2"
    assert "order_id" not in document(response)
    assert client.calls == []


@RELAXED
@given(event=(junk | near(post()) | near(get(SOME_ID))).filter(lambda event: not passed_an_authorizer(event)))
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_any_event_without_an_authorizer_is_answered_with_503_and_causes_no_call(
    verified_api: Api, client: WatchedClient, endpoint: str, event: object
) -> None:
    # GIVEN any event that did not go through an authorizer
    # WHEN it is handled
    response = send(verified_api, endpoint, event)

    # THEN the client may retry it, and no table or queue is called
    assert problem(response) == "outcome-unknown"
    assert client.calls == []


@given(authorizer=junk | near({"jwt": {"claims": {"iss": "https://issuer", "sub": "alice"}}}))
def test_no_caller_is_anonymous_if_the_stack_has_an_authorizer(authorizer: object) -> None:
    # GIVEN anything in the place of the verified claims
    request = parse_event({"requestContext": {"authorizer": authorizer}})

    # WHEN the caller is identified
    try:
        identity = identity_of(request, jwt_authorizer=True)
    except (ProblemError, AuthorizerMissingError):
        return

    # THEN, if the request was not refused, the claims name this caller
    assert identity != ANONYMOUS
    assert identity == identity_of(request, jwt_authorizer=False)


def test_a_retry_succeeds_as_soon_as_the_route_has_its_authorizer(api: Api) -> None:
    # GIVEN a deployment that has changed the functions, but not yet the routes
    verified = Api(api.dynamodb, api.sqs, api.settings.model_copy(update={"jwt_authorizer": True}))
    early = verified.post()
    assert early["statusCode"] == 503
    assert (verified.orders(), verified.records(), verified.messages()) == ([], [], [])

    # WHEN the same request comes through the authorizer
    late = verified.post(caller=ALICE)

    # THEN the answer is no replay, and the order belongs to the caller
    assert late["statusCode"] == 202
    assert "Idempotent-Replayed" not in late["headers"]
    assert [item["caller"]["S"] for item in verified.orders()] == [caller_id(Identity(*ALICE))]


def test_claims_identify_the_caller_while_the_authorizer_is_being_removed(api: Api) -> None:
    # GIVEN an order of a verified caller
    verified = Api(api.dynamodb, api.sqs, api.settings.model_copy(update={"jwt_authorizer": True}))
    order_id = document(verified.post(caller=ALICE))["order_id"]

    # WHEN the functions no longer require claims, but the routes still send them
    answers = [api.get(order_id, caller=ALICE), api.get(order_id)]
    again = api.post(caller=ALICE)

    # THEN the order still belongs to this caller only
    assert [answer["statusCode"] for answer in answers] == [200, 404]
    assert again["headers"]["Idempotent-Replayed"] == "true"


def test_a_token_without_a_subject_is_a_mistake_of_the_client(verified_api: Api) -> None:
    # GIVEN a token without a subject
    event = {**post(), "requestContext": {"authorizer": {"jwt": {"claims": {"iss": "https://issuer"}}}}}

    # WHEN it is used
    response = send(verified_api, "create", event)

    # THEN the answer says that the token does not name its caller
    assert problem(response) == "caller-unidentified"


@pytest.mark.parametrize("event", [post(), get(SOME_ID)], ids=ENDPOINTS)
def test_a_missing_authorizer_is_counted_and_the_log_says_what_to_repair(
    verified_api: Api, log: io.StringIO, counted: dict[str, dict[str, Any]], event: dict[str, object]
) -> None:
    # GIVEN a route without its authorizer
    # WHEN a client uses the route
    response = send(verified_api, "lookup" if "pathParameters" in event else "create", event)

    # THEN DependencyFailure counts the request. The log says what was given, what is expected and what to change
    assert counted[MetricName.DEPENDENCY_FAILURE]["Value"] == [1.0]
    (line,) = (json.loads(line) for line in log.getvalue().splitlines() if "unexpected error" in line)
    assert (line["level"], line["error_type"]) == ("ERROR", "AuthorizerMissingError")
    assert line["error"] == (
        "Given a request without `requestContext.authorizer`; expected: the claims of a verified token, "
        "because JWT_AUTHORIZER is set. Attach the stack's authorizer to the request's route, or delete that route; "
        "`pulumi up --refresh` repairs a route of the stack. To open the API to everybody, set "
        "authorizer to none."
    )
    # AND the answer does not mention the authorizer, because the client cannot repair it
    assert "authorizer" not in response["body"].lower()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"JWT_AUTHORIZER": ""}, False),
        ({"JWT_AUTHORIZER": "false"}, False),
        ({"JWT_AUTHORIZER": "true"}, True),
    ],
)
def test_the_authorizer_setting_is_read_by_both_functions(variables: dict[str, str], expected: bool) -> None:
    # GIVEN an environment
    # WHEN it is read
    read = [each.from_environment({**INTAKE, **variables}).jwt_authorizer for each in (IntakeSettings, LookupSettings)]

    # THEN of these values, only `true` says that the stack has an authorizer
    assert read == [expected, expected]


def test_an_authorizer_setting_that_is_neither_true_nor_false_fails_at_init() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValidationError, match="jwt_authorizer"):
        LookupSettings.from_environment({**INTAKE, "JWT_AUTHORIZER": "perhaps"})
