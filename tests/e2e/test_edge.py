"""Tests a separate stack behind an edge: which requests does the API answer, and which web pages may use the API?"""

import pytest

from local.demo.account import Account
from local.demo.http import OrdersApi, order

pytestmark = [pytest.mark.e2e, pytest.mark.long]

CURRENT, OTHER = "c" * 32, "o" * 32
PAGE = "https://shop.example.com"
CONFIG = {
    "waf": "true",
    "origin_secret": CURRENT,
    "origin_secret_also_accepted": OTHER,
    "cors_origins": f'["{PAGE}"]',
}


@pytest.mark.parametrize("secret", [CURRENT, OTHER])
def test_a_request_with_the_edges_secret_is_answered(api: OrdersApi, key: str, secret: str) -> None:
    # GIVEN the header that CloudFront adds
    edge = {"X-Origin-Verify": secret}

    # WHEN
    accepted = api.post(order(("SKU-1", 1)), key, edge)
    found = api.call("GET", f"/orders/{accepted.order_id}", headers=edge)

    # THEN
    assert (accepted.status, found.status) == (202, 200)


@pytest.mark.parametrize("headers", [{}, {"X-Origin-Verify": "c" * 31}], ids=["none", "wrong"])
def test_a_request_without_the_edges_secret_is_refused_and_has_no_effect(
    api: OrdersApi, account: Account, key: str, headers: dict[str, str]
) -> None:
    # GIVEN
    before = set(account.orders())

    # WHEN
    posted = api.post(order(("SKU-1", 1)), key, headers)
    got = api.call("GET", "/orders/00000000-0000-5000-8000-000000000000", headers=headers)

    # THEN
    assert (posted.status, got.status) == (403, 403)
    assert posted.document["type"] == "urn:problem-type:orders:edge-bypassed"
    assert set(account.orders()) == before


def test_a_page_of_an_allowed_origin_can_use_every_header_of_the_contract(api: OrdersApi, key: str) -> None:
    # GIVEN
    preflight_headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}

    # WHEN
    preflight = api.call("OPTIONS", "/orders", headers=preflight_headers)
    answer = api.post(order(("SKU-1", 1)), key, {"Origin": PAGE, "X-Origin-Verify": CURRENT})

    # THEN
    assert preflight.headers["access-control-allow-origin"] == PAGE
    sent = set(preflight.headers["access-control-allow-headers"].lower().split(","))
    assert {"content-type", "idempotency-key", "traceparent", "x-correlation-id"} <= sent
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-origin"] == PAGE
    exposed = set(answer.headers["access-control-expose-headers"].lower().split(","))
    assert {"location", "idempotent-replayed", "retry-after", "x-correlation-id"} <= exposed


def test_a_page_of_another_origin_is_refused(api: OrdersApi) -> None:
    # GIVEN
    preflight_headers = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "POST"}

    # WHEN
    preflight = api.call("OPTIONS", "/orders", headers=preflight_headers)

    # THEN
    assert "access-control-allow-origin" not in preflight.headers
