"""What clients reach: the HTTP API and whatever stands in front of it."""

from components.component import Scope
from components.config import StackConfig
from components.http_api import HttpApi, HttpApiArgs, Route
from pipeline.functions import Functions


def build_api(config: StackConfig, scope: Scope, functions: Functions) -> HttpApi:
    """The API in front of the functions."""
    return HttpApi(
        "api",
        scope,
        HttpApiArgs(
            routes=(
                Route(method="POST", path="/orders", function=functions.create_order),
                Route(method="GET", path="/orders/{order_id}", function=functions.get_order),
            ),
            throttle_rate=config.throttle_rate,
            throttle_burst=config.throttle_burst,
            log_retention_days=config.log_retention_days,
        ),
    )
