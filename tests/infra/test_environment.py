"""Tests that each function gets exactly the environment variables that it needs."""

import pytest

from lab.recording.fake_outputs import url
from lab.recording.recording import STACKS
from lab.recording.stacks import environment_of, recorded
from pipeline.functions import API_FUNCTIONS

COMMON = ("AWS_ENDPOINT_URL", "ORDER_SCHEMA_VERSIONS", "PYDANTIC_DISABLE_PLUGINS")


@pytest.mark.parametrize("stack", STACKS)
class TestEveryStack:
    def test_the_api_functions_get_exactly_their_variables(self, stack: str) -> None:
        # GIVEN
        prefix = f"orders-{stack}"

        # WHEN
        intake, lookup = environment_of(stack, "create-order"), environment_of(stack, "get-order")

        # THEN
        verified = {"JWT_AUTHORIZER": "true"} if stack == "prod" else {}
        common = {name for name in lookup if name.startswith("POWERTOOLS_") or name in COMMON}
        assert {name: value for name, value in intake.items() if name not in common} == {
            "ORDERS_TABLE": f"{prefix}-orders",
            "ORDERS_QUEUE_URL": url(f"{prefix}-orders-queue", recorded(stack).region),
            "IDEMPOTENCY_TABLE": f"{prefix}-api-idempotency-table",
            "IDEMPOTENCY_TTL_SECONDS": "86400",
            **verified,
        }
        assert {name: value for name, value in lookup.items() if name not in common} == {
            "ORDERS_TABLE": f"{prefix}-orders",
            **verified,
        }

    def test_the_worker_gets_exactly_its_variables(self, stack: str) -> None:
        # GIVEN
        prefix, recording = f"orders-{stack}", recorded(stack)

        # WHEN
        worker = environment_of(stack, "process-order")

        # THEN
        tuned = {
            "IDEMPOTENCY_TTL_SECONDS",
            "MAX_RECEIVE_COUNT",
            "RETRY_BASE_SECONDS",
            "RETRY_CAP_SECONDS",
            "BATCH_THREADS",
            "ITEM_BUDGET_SECONDS",
            "TIME_MARGIN_SECONDS",
        }
        assert all(int(worker[name]) >= 1 for name in tuned)
        others = {
            name: value
            for name, value in worker.items()
            if name not in tuned and not name.startswith("POWERTOOLS_") and name not in COMMON
        }
        assert others == {
            "ORDERS_TABLE": f"{prefix}-orders",
            "STOCK_TABLE": f"{prefix}-stock",
            "IDEMPOTENCY_TABLE": f"{prefix}-worker-idempotency-table",
            "ORDERS_QUEUE_URL": url(f"{prefix}-orders-queue", recorded(stack).region),
            "DEAD_LETTER_QUEUE_URL": url(f"{prefix}-orders-queue-dlq", recording.region),
            "NOTIFICATIONS_TOPIC_ARN": recording.state("aws:sns/topic:Topic", "notifications")["arn"],
            "EVENT_SOURCE": f"/{prefix}",
        }

    @pytest.mark.parametrize(
        ("function", "service"), [*((each.name, "api") for each in API_FUNCTIONS), ("process-order", "worker")]
    )
    def test_every_function_gets_the_common_variables_and_only_a_local_stack_has_an_endpoint(
        self, stack: str, function: str, service: str
    ) -> None:
        # GIVEN / WHEN
        variables = environment_of(stack, function)

        # THEN
        assert variables["POWERTOOLS_SERVICE_NAME"] == service
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == f"orders-{stack}"
        assert 0 <= float(variables["POWERTOOLS_LOGGER_SAMPLE_RATE"]) <= 1
        assert variables["PYDANTIC_DISABLE_PLUGINS"] == "__all__"
        assert ("AWS_ENDPOINT_URL" in variables) == (stack == "local")
