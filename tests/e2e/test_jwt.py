"""Tests of verified callers and their isolation (G6), on a separate stack whose tokens expire after six seconds."""

import json
import time
from collections.abc import Callable
from functools import partial

import pytest

from lab.chaos.orders import token_of
from local.client import LocalStack
from local.demo.account import Account
from local.demo.http import OrdersApi, order
from local.proxy.faults import FaultKind
from ops.cli.main import main
from ops.gateway.http import Answer, bearer
from ops.smoke.token import fetch_token
from orders_client import ClientCredentials, OrdersClient, Submission

pytestmark = pytest.mark.e2e

VALIDITY_SECONDS = 6
CONFIG = {
    "authorizer": "cognito",
    "token_clients": '["shop", "warehouse"]',
    "token_validity_seconds": str(VALIDITY_SECONDS),
}


Tokens = Callable[..., str]


@pytest.fixture(scope="module")
def token(stack: LocalStack) -> Tokens:
    """Return a function that gets a new token of a client, for given scopes or for all scopes of the client."""
    return partial(token_of, stack)


def post(api: OrdersApi, token: str, key: str) -> Answer:
    return api.post(order(("SKU-1", 1)), key, bearer(token))


def get(api: OrdersApi, token: str, order_id: str) -> Answer:
    return api.call("GET", f"/orders/{order_id}", headers=bearer(token))


def test_a_caller_with_a_valid_token_can_place_and_read_an_order(api: OrdersApi, token: Tokens, key: str) -> None:
    # GIVEN a caller with valid tokens
    # WHEN it places an order and reads it
    accepted = post(api, token("shop"), key)
    found = get(api, token("shop"), accepted.order_id)

    # THEN both are allowed
    assert accepted.status == 202
    assert found.status == 200


def test_the_answer_is_401_if_no_token_is_sent(api: OrdersApi, key: str) -> None:
    # GIVEN no token
    # WHEN an order is placed, and another order is read
    answers = [api.post(order(("SKU-1", 1)), key), api.get("00000000-0000-5000-8000-000000000000")]

    # THEN both are refused
    assert [answer.status for answer in answers] == [401, 401]


def test_an_expired_token_is_401(api: OrdersApi, token: Tokens, key: str) -> None:
    # GIVEN a token that was valid
    old = token("shop")
    before = post(api, old, key)

    # WHEN its validity has ended
    time.sleep(VALIDITY_SECONDS + 1)
    after = post(api, old, key)

    # THEN it is refused
    assert (before.status, after.status) == (202, 401)


def test_a_token_for_another_audience_is_401(stack: LocalStack, api: OrdersApi, key: str) -> None:
    # GIVEN a client that gets tokens from the API's issuer, but is not in the API's audience
    cognito = stack.aws.cognito
    pool = cognito.list_user_pools(MaxResults=10)["UserPools"][0]["Id"]
    stranger = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="stranger",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["orders/write"],
    )["UserPoolClient"]
    token = fetch_token(stack.outputs["token_url"], stranger["ClientId"], stranger["ClientSecret"])

    # WHEN the client places an order
    answer = post(api, token, key)

    # THEN the order is refused, although the issuer has signed the token
    assert answer.status == 401


@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "claims", "signature"])
def test_a_tampered_token_is_401(api: OrdersApi, token: Tokens, key: str, part: int) -> None:
    # GIVEN a token in which one letter is changed
    parts = token("shop").split(".")
    middle = len(parts[part]) // 2
    parts[part] = parts[part][:middle] + ("A" if parts[part][middle] != "A" else "B") + parts[part][middle + 1 :]

    # WHEN an order is placed with it
    answer = post(api, ".".join(parts), key)

    # THEN the order is refused
    assert answer.status == 401


def test_a_token_without_the_scope_is_403(api: OrdersApi, token: Tokens, key: str) -> None:
    # GIVEN a token that has only the scope for reading
    reading = token("shop", "orders/read")

    # WHEN an order is placed with it
    answer = post(api, reading, key)

    # THEN the order is refused, although the caller is authenticated
    assert answer.status == 403


def test_a_route_without_the_authorizer_accepts_no_order(
    stack: LocalStack, api: OrdersApi, account: Account, token: Tokens, key: str
) -> None:
    # GIVEN a route that somebody added by hand, without the authorizer
    gateway = stack.aws.apigatewayv2
    (ours,) = gateway.get_apis()["Items"]
    routes = {each["RouteKey"]: each for each in gateway.get_routes(ApiId=ours["ApiId"])["Items"]}
    unprotected = gateway.create_route(
        ApiId=ours["ApiId"], RouteKey="PUT /orders", Target=routes["POST /orders"]["Target"]
    )["RouteId"]
    before = set(account.orders())

    # WHEN an order is placed through it
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    body = json.dumps(order(("SKU-1", 1))).encode()
    try:
        refused = api.call("PUT", "/orders", body, headers)
    finally:
        gateway.delete_route(ApiId=ours["ApiId"], RouteId=unprotected)

    # THEN no order is stored, and a caller can still use the key
    assert refused.status == 503
    assert refused.document["type"] == "urn:problem-type:orders:outcome-unknown"
    assert set(account.orders()) == before
    accepted = post(api, token("shop"), key)
    assert (accepted.status, accepted.is_replay) == (202, False)


def test_looking_up_another_callers_order_gives_the_same_404_as_looking_up_a_missing_order(
    api: OrdersApi, token: Tokens, key: str
) -> None:
    # GIVEN an order of one caller
    order_id = post(api, token("shop"), key).order_id

    # WHEN another caller reads it, and then an order that does not exist
    existing = get(api, token("warehouse"), order_id)
    missing = get(api, token("warehouse"), "00000000-0000-5000-8000-000000000000")

    # THEN both answers are the same
    assert (existing.status, missing.status) == (404, 404)
    assert existing.body == missing.body


def test_two_callers_with_the_same_key_and_body_have_two_orders(
    api: OrdersApi, account: Account, token: Tokens, key: str
) -> None:
    # GIVEN two callers who use the same key
    # WHEN both post the same body
    first, second = post(api, token("shop"), key), post(api, token("warehouse"), key)
    again = post(api, token("shop"), key)

    # THEN each caller has its own order. No caller's first answer is a replay. A repeat gets the caller's own answer.
    assert (first.status, second.status) == (202, 202)
    assert first.order_id != second.order_id
    assert not first.is_replay
    assert not second.is_replay
    assert again.is_replay
    assert again.body == first.body
    callers = {account.orders()[each.order_id]["caller"] for each in (first, second)}
    assert len(callers) == 2


def test_the_python_client_places_one_order_despite_faults(stack: LocalStack, account: Account) -> None:
    # GIVEN an article in stock, and a client whose first token has expired
    account.set_stock({"SKU-CLIENT": 10})
    ids, secrets = stack.outputs["token_clients"], stack.outputs["token_client_secrets"]
    tokens = ClientCredentials(stack.outputs["token_url"], ids["shop"], secrets["shop"], clock=lambda: 0.0)
    client = OrdersClient(stack.outputs["api_url"], tokens)
    tokens.token()
    time.sleep(VALIDITY_SECONDS + 1)
    submission = Submission.of(order(("SKU-CLIENT", 2)))

    # WHEN it submits an order while the queue's answers are lost, and waits for the outcome while the worker fails
    with stack.fault("sqs", "SendMessage", FaultKind.LOST_ANSWER, count=6):
        accepted = client.submit(submission, deadline_seconds=120)
    with stack.fault("dynamodb", "TransactWriteItems", FaultKind.ERROR, count=2):
        settled = client.wait(accepted.order_id, deadline_seconds=120)
    again = client.submit(submission)

    # THEN there is one order, its stock was taken once, and a repeat gets the same answer
    assert settled.status == "CONFIRMED"
    assert account.available("SKU-CLIENT") == 8
    assert again.replayed
    assert again.document == accepted.document


def test_the_smoke_test_places_its_order_as_a_client_of_the_stack(
    stack: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    smoke = ["smoke", "--local", "--state-dir", str(stack.state.path), "--json", "--yes"]

    # WHEN the smoke test runs with a token that it gets itself, and then with an invalid token
    # given by `--token`
    code = main(smoke)
    own = json.loads(capsys.readouterr().out)
    refused = main([*smoke, "--token", "none-of-ours"])
    given = json.loads(capsys.readouterr().out)

    # THEN
    assert (code, own["passed"]) == (0, True)
    assert (refused, given["steps"][0]["outcome"]) == (1, "failed")
    assert "--token" in given["steps"][0]["detail"]
