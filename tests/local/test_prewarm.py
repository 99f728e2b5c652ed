"""Tests which functions are started in advance, and with which event."""

from local.prewarm import http_event, warm_events
from tests.local.factories import deployed

ALIAS = "arn:aws:lambda:us-east-1:000000000000:function:greet:live"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{ALIAS}/invocations"


def test_a_function_behind_a_route_gets_a_request_through_its_alias() -> None:
    # GIVEN a route, its integration and a function's alias
    resources = [
        deployed("aws:apigatewayv2/integration:Integration", "greet", "i1", integrationUri=URI),
        deployed("aws:apigatewayv2/route:Route", "get", "r1", routeKey="GET /greet/{name}", target="integrations/i1"),
    ]

    # WHEN the functions to start are chosen
    events = warm_events(resources)

    # THEN the alias is chosen, with a request in API Gateway's format
    assert list(events) == [ALIAS]
    assert events[ALIAS]["rawPath"] == "/greet/warm-up"
    assert events[ALIAS]["pathParameters"] == {"name": "warm-up"}


def test_a_function_behind_an_authorizer_gets_a_request_with_claims() -> None:
    # GIVEN a route that requires a token
    resources = [
        deployed("aws:apigatewayv2/integration:Integration", "greet", "i1", integrationUri=URI),
        deployed(
            "aws:apigatewayv2/route:Route",
            "get",
            "r1",
            routeKey="GET /",
            target="integrations/i1",
            authorizationType="JWT",
        ),
    ]

    # WHEN the functions to start are chosen, and an event is made for a route that requires no token
    verified, anyone = warm_events(resources)[ALIAS], http_event("GET /")

    # THEN only the request to the first route has claims
    assert verified["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "warm-up"
    assert "authorizer" not in anyone["requestContext"]


def test_function_behind_a_queue_gets_an_empty_batch() -> None:
    # GIVEN an event source mapping
    resources = [deployed("aws:lambda/eventSourceMapping:EventSourceMapping", "work", "u1", functionName=ALIAS)]

    # WHEN the functions to start are chosen
    # THEN the batch is empty
    assert warm_events(resources) == {ALIAS: {"Records": []}}


def test_a_route_without_an_integration_starts_no_function() -> None:
    # GIVEN a route whose integration does not exist
    resources = [deployed("aws:apigatewayv2/route:Route", "get", "r1", routeKey="GET /", target="integrations/none")]

    # WHEN the functions to start are chosen
    # THEN no function is chosen
    assert warm_events(resources) == {}


def test_request_has_the_method_of_its_route() -> None:
    # GIVEN a route key
    # WHEN an event is made for the route
    event = http_event("POST /orders")

    # THEN the event has the route's method, no headers and no body
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["headers"] == {}
    assert "body" not in event
