"""Settings of an HTTP API: routes, limits, who may call it, and from which web pages."""

import re
from collections.abc import Sequence
from typing import Literal

import pulumi
from pydantic import Field

from components.component import Args, Text
from components.function import Function


class Route(Args):
    """One method and path, and the function that answers."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(description="HTTP method.")
    path: str = Field(pattern=r"^(/([a-z0-9._-]+|\{[a-z_]+\}))+$", description="Path; `{name}` matches one segment.")
    function: Function = Field(description="Called through its live alias.")
    scopes: tuple[Text, ...] = Field(
        description="With an authorizer, a token needs at least one of these scopes; otherwise the API answers 403. An "
        "empty list requires no scope."
    )

    @property
    def slug(self) -> str:
        """`GET /orders/{order_id}` as part of a resource name: `get-orders-order-id`."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.method} {self.path}".lower()).strip("-")


class JwtAuthorizer(Args):
    """Issuer and audience of the tokens that the API accepts."""

    issuer: Text = Field(
        description="The tokens' `iss`, a URL. The OpenID configuration under this URL says where "
        "the issuer's keys are."
    )
    audiences: Sequence[Text] | pulumi.Output[list[str]] = Field(
        description="Allowed values of `aud`, or of `client_id` in a token without `aud`. With "
        "an empty list, tokens for other APIs are accepted too."
    )


class Cors(Args):
    """Permissions for web pages of other origins to use the API."""

    origins: tuple[str, ...] = Field(min_length=1, description="Origins that may read answers, or `*`.")
    methods: tuple[str, ...] = Field(min_length=1, description="Methods that these origins may use.")
    request_headers: tuple[str, ...] = Field(description="Headers that their requests may have.")
    response_headers: tuple[str, ...] = Field(description="Response headers that these origins may read.")


class HttpApiArgs(Args):
    """Settings of an HTTP API."""

    routes: tuple[Route, ...] = Field(min_length=1, description="All routes of the API; other requests get 404.")
    throttle_rate: int = Field(
        ge=1, description="Requests per second, over all callers, above which the API answers 429."
    )
    throttle_burst: int = Field(ge=1, description="Requests that may arrive at once before the rate limit applies.")
    log_retention_days: int = Field(description="How long CloudWatch keeps the access log.")
    authorizer: JwtAuthorizer | None = Field(
        default=None, description="Verifies callers; without it, anybody may call the API."
    )
    cors: Cors | None = Field(
        default=None, description="Lets web pages of other origins call the API; without it, none of them can."
    )
    default_endpoint: bool = Field(
        default=True,
        description="Whether the API answers under AWS's host name, its default endpoint. A "
        "custom domain does not close this endpoint.",
    )
