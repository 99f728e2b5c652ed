"""Starts Lambda processes for every function that a route or an event source mapping invokes.

So the first orders don't wait for cold starts. The deployed routes and mappings show which
functions they invoke, and by which alias. A function with a route gets a request that has neither
headers nor a body. Any other function gets an empty batch. Each function must answer without
an error, and must change nothing.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.deploy.monitor import Deployed
from local.errors import LocalError, NoSpaceError, no_space
from local.instance import StateDir
from local.services.aws import Aws

_CLAIMS = {"jwt": {"claims": {"iss": "https://warm-up.invalid", "sub": "warm-up"}, "scopes": None}}
_ARN_IN_URI = re.compile(r"/functions/(arn:[^/]+)/invocations")


def prewarm(aws: Aws, state: StateDir, resources: Iterable[Deployed], workers: int) -> int:
    """Start `workers` processes for each function that a route or a mapping invokes.

    Return the number of all started processes. Raises `LocalError` when a function fails on its
    event.
    """
    events = warm_events(resources)
    calls = [(function, event) for function, event in events.items() for _ in range(workers)]
    if not calls:
        return 0
    pool = ThreadPoolExecutor(max_workers=len(calls), thread_name_prefix="prewarm")
    try:
        failed = [
            error for each in [pool.submit(_invoke, aws, state, *call) for call in calls] if (error := each.exception())
        ]
    finally:
        # Never wait here, because after Ctrl-C the calls end only when the emulator ends.
        pool.shutdown(wait=False, cancel_futures=True)
    if failed:
        # On a full disk other workers fail too, with errors that do not name the cause.
        raise next((each for each in failed if isinstance(each, NoSpaceError)), failed[0])
    return len(calls)


def warm_events(resources: Iterable[Deployed]) -> Mapping[str, dict[str, Any]]:
    """Return an event for each ARN by which a route or a mapping invokes a function.

    The event is a request if a route uses the ARN, otherwise an empty batch.
    """
    events: dict[str, dict[str, Any]] = {}
    for function, event in [*_of_routes(list(resources)), *_of_mappings(resources)]:
        events.setdefault(function, event)
    return events


def _of_routes(resources: list[Deployed]) -> Iterator[tuple[str, dict[str, Any]]]:
    integrations = {each.id: each for each in resources if each.type == "aws:apigatewayv2/integration:Integration"}
    for route in (each for each in resources if each.type == "aws:apigatewayv2/route:Route"):
        integration = integrations.get(str(route.state.get("target", "")).removeprefix("integrations/"))
        found = _ARN_IN_URI.search(str(integration.state.get("integrationUri", ""))) if integration else None
        if found:
            yield found[1], http_event(route.state["routeKey"], verified=route.state.get("authorizationType") == "JWT")


def _of_mappings(resources: Iterable[Deployed]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in resources:
        if each.type == "aws:lambda/eventSourceMapping:EventSourceMapping":
            yield each.state["functionName"], {"Records": []}


def http_event(route_key: str, *, verified: bool = False) -> dict[str, Any]:
    """Return a request to a route, without headers and without a body, in API Gateway's payload format 2.0.

    `verified`: the request passed a JWT authorizer. A function behind an authorizer fails on a request without claims.
    """
    method, _, template = route_key.partition(" ")
    names = re.findall(r"\{(\w+)\+?\}", template)
    path = re.sub(r"\{\w+\+?\}", "warm-up", template)
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "pathParameters": dict.fromkeys(names, "warm-up"),
        "requestContext": {
            "accountId": "anonymous",
            **({"authorizer": _CLAIMS} if verified else {}),
            "apiId": "warm-up",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "warm-up",
            },
            "requestId": "warm-up",
            "routeKey": route_key,
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }


def _invoke(aws: Aws, state: StateDir, function: str, event: dict[str, Any]) -> None:
    answer: Any = aws.lambda_.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = answer["Payload"].read().decode(errors="replace")
    if "FunctionError" not in answer:
        return
    if "No space left on device" in payload:
        raise no_space(state.path, "100 MB for the code of the functions")
    name = function.split(":function:")[-1]
    raise LocalError(f"The function {name} fails on a harmless event, so it would fail on orders: {payload[:1000]}")
