"""Rules on resources that can be reached from the internet."""

from collections.abc import Iterator, Mapping
from typing import Final

from policy.model import UNKNOWN, Resource, Rule

STAGES: Final = frozenset({"aws:apigatewayv2/stage:Stage"})
ROUTES: Final = frozenset({"aws:apigatewayv2/route:Route"})
FUNCTION_URLS: Final = frozenset({"aws:lambda/functionUrl:FunctionUrl"})


def _throttled(resource: Resource) -> Iterator[str]:
    settings = resource.props.get("defaultRouteSettings")
    if settings is UNKNOWN:
        return
    given = settings if isinstance(settings, Mapping) else {}
    missing = [key for key in ("throttlingRateLimit", "throttlingBurstLimit") if not given.get(key)]
    if missing:
        yield f"{' and '.join(missing)} not set: one caller could use up the account's limits"


def _authorized(resource: Resource) -> Iterator[str]:
    if resource.props.get("authorizationType", "NONE") == "NONE":
        yield "anybody can call it, and callers cannot be distinguished; set an authorizer, except for a test stack"


def _no_open_url(resource: Resource) -> Iterator[str]:
    if resource.props.get("authorizationType") != "AWS_IAM":
        yield "a public function URL bypasses the API, its throttling and its log; remove it or use AWS_IAM"


EDGE_RULES: Final = (
    Rule(
        name="public-endpoints-are-throttled",
        description="Every stage of an API limits rate and burst.",
        level="mandatory",
        types=STAGES,
        check=_throttled,
    ),
    Rule(
        name="routes-have-an-authorizer",
        description="Every route has an authorizer.",
        level="advisory",
        types=ROUTES,
        check=_authorized,
    ),
    Rule(
        name="no-public-function-urls",
        description="No function has a public URL.",
        level="mandatory",
        types=FUNCTION_URLS,
        check=_no_open_url,
    ),
)
