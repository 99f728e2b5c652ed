"""Tests that the right resources are connected, with the right settings."""

import json

import pytest

from lab.recording.fake_outputs import arn
from lab.recording.recording import STACKS
from lab.recording.stacks import by_urn, environment_of, recorded, recorded_with
from pipeline.functions import API_FUNCTIONS, FUNCTIONS

FUNCTION = "aws:lambda/function:Function"
ALIAS = "aws:lambda/alias:Alias"
QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
OUTPUTS = {
    "api_url",
    "api_id",
    "api_stage",
    "orders_queue_url",
    "dead_letter_queue_url",
    "notifications_topic_arn",
    "orders_table",
    "stock_table",
    "api_idempotency_table",
    "worker_idempotency_table",
    *(each.output for each in FUNCTIONS),
    "subscriber_queue_urls",
    "alarm_topic_arns",
    "objectives",
    "dashboard",
}


# Outputs of options that stack prod uses: `gradual_deploy`, and `authorizer: cognito`.
OUTPUTS_OF_PROD = {"gradual_deploy", "token_url", "token_scopes", "token_clients", "token_client_secrets"}


@pytest.mark.parametrize("stack", STACKS)
class TestEveryStack:
    def test_a_stack_has_exactly_the_listed_outputs(self, stack: str) -> None:
        # GIVEN / WHEN
        outputs = recorded(stack).outputs

        # THEN
        assert set(outputs) == OUTPUTS | (OUTPUTS_OF_PROD if stack == "prod" else set())
        assert all(outputs[name] for name in OUTPUTS - {"subscriber_queue_urls", "alarm_topic_arns"})
        assert not outputs["api_url"].endswith("/")

    @pytest.mark.parametrize("name", [each.name for each in FUNCTIONS])
    def test_each_function_has_its_handler_and_a_live_alias_that_points_at_a_published_version(
        self, stack: str, name: str
    ) -> None:
        # GIVEN
        recording = recorded(stack)

        # WHEN
        function = recording.one(FUNCTION, f"{name}-function")
        alias = recording.one(ALIAS, f"{name}-live")

        # THEN
        assert function.inputs["handler"] == f"runtime.handlers.{name.replace('-', '_')}.handler"
        assert function.inputs["publish"] is True
        assert function.inputs["runtime"] == "python3.13"
        assert function.inputs["architectures"] == ["arm64"]
        assert function.inputs["sourceCodeHash"]
        assert function.inputs["loggingConfig"]["logGroup"] == f"/aws/lambda/{function.inputs['name']}"
        assert alias.inputs == {"name": "live", "functionName": function.inputs["name"], "functionVersion": "1"}

    def test_the_worker_consumes_the_queue_through_its_alias_and_reports_partial_failures(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)

        # WHEN
        mapping = recording.one("aws:lambda/eventSourceMapping:EventSourceMapping", "orders-consumer-mapping").inputs

        # THEN
        assert mapping["eventSourceArn"] == recording.state(QUEUE, "orders-queue")["arn"]
        assert mapping["functionName"] == recording.state(ALIAS, "process-order-live")["arn"]
        assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= mapping["scalingConfig"]["maximumConcurrency"] <= 1_000
        assert 1 <= mapping["batchSize"] <= 10_000
        assert 0 <= mapping["maximumBatchingWindowInSeconds"] <= 300

    def test_the_dead_letter_queue_serves_only_its_queue_and_keeps_messages_longer(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        queue, dead = recording.one(QUEUE, "orders-queue"), recording.one(QUEUE, "orders-queue-dlq")

        # WHEN
        redrive = queue.document("redrivePolicy")
        allow = recording.one("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "orders-queue-dlq-sources")

        # THEN
        receives = int(environment_of(stack, "process-order")["MAX_RECEIVE_COUNT"])
        assert redrive == {
            "deadLetterTargetArn": recording.state(QUEUE, "orders-queue-dlq")["arn"],
            "maxReceiveCount": receives,
        }
        assert allow.inputs["queueUrl"] == recording.state(QUEUE, "orders-queue-dlq")["id"]
        assert allow.document("redriveAllowPolicy") == {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [recording.state(QUEUE, "orders-queue")["arn"]],
        }
        assert dead.inputs["messageRetentionSeconds"] > queue.inputs["messageRetentionSeconds"]

    def test_only_the_worker_may_publish_to_the_topic(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        role = recording.state("aws:iam/role:Role", "process-order-role")["arn"]

        # WHEN
        statements = recording.one("aws:sns/topicPolicy:TopicPolicy", "notifications-policy").document("policy")

        # THEN
        assert recording.one("aws:sns/topic:Topic", "notifications").inputs["name"] == f"orders-{stack}-notifications"
        allowed = [each for each in statements["Statement"] if each["Effect"] == "Allow"]
        assert [each["Action"] for each in allowed] == [["sns:Publish"]]
        assert allowed[0]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [role]}}

    def test_each_route_leads_to_the_live_alias_of_its_function(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        integrations = {
            f"integrations/{recording.state(each.type, each.name)['id']}": each.inputs["integrationUri"]
            for each in recording.of_type("aws:apigatewayv2/integration:Integration")
        }

        # WHEN
        routes = {
            each.inputs["routeKey"]: integrations[each.inputs["target"]]
            for each in recording.of_type("aws:apigatewayv2/route:Route")
        }

        # THEN
        assert routes == {
            f"{each.method} {each.path}": recording.state(ALIAS, f"{each.name}-live")["invokeArn"]
            for each in API_FUNCTIONS
        }

    def test_the_api_may_invoke_exactly_the_alias_of_each_route(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        execution = recording.state("aws:apigatewayv2/api:Api", "api")["executionArn"]

        # WHEN
        permissions = [each.inputs for each in recording.of_type("aws:lambda/permission:Permission")]

        # THEN
        assert {(each["function"], each["sourceArn"]) for each in permissions} == {
            (f"orders-{stack}-{each.name}", f"{execution}/$default/{each.method}{each.path}") for each in API_FUNCTIONS
        }
        assert all(each["qualifier"] == "live" for each in permissions)
        assert all(each["principal"] == "apigateway.amazonaws.com" for each in permissions)
        assert all(each["action"] == "lambda:InvokeFunction" for each in permissions)

    def test_api_functions_time_out_before_the_integration_does(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        waits = [
            each.inputs["timeoutMilliseconds"] for each in recording.of_type("aws:apigatewayv2/integration:Integration")
        ]

        # WHEN
        timeouts = [recording.one(FUNCTION, f"{each.name}-function").inputs["timeout"] for each in API_FUNCTIONS]

        # THEN
        assert max(waits) <= 30_000
        assert max(timeouts) * 1_000 < min(waits)

    def test_the_stage_throttles_and_logs_json_without_personal_data(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)

        # WHEN
        stage = recording.one("aws:apigatewayv2/stage:Stage", "api-stage").inputs
        log_format = json.loads(stage["accessLogSettings"]["format"])

        # THEN
        assert set(log_format) == {
            *("request_id", "time", "route", "status", "response_bytes", "latency_ms", "error_type"),
            *("integration_status", "integration_latency_ms", "integration_request_id"),
        }
        personal = ("sourceIp", "userAgent", "authorizer", "identity", "context.path", "domainName")
        assert stage["defaultRouteSettings"]["throttlingRateLimit"] > 0
        assert stage["defaultRouteSettings"]["throttlingBurstLimit"] > 0
        assert stage["accessLogSettings"]["destinationArn"] == arn(
            "logs", f"log-group:/aws/vendedlogs/orders-{stack}-api", recording.region
        )
        assert not [value for value in log_format.values() if any(word in value for word in personal)]

    def test_tables_have_their_keys_and_expire_idempotency_records(self, stack: str) -> None:
        # GIVEN
        tables = recorded(stack).of_type("aws:dynamodb/table:Table")

        # WHEN
        shapes = {each.name: (each.inputs["attributes"], each.inputs.get("ttl")) for each in tables}

        # THEN
        expires = {"attributeName": "expiration", "enabled": True}
        assert shapes == {
            "orders": ([{"name": "order_id", "type": "S"}], None),
            "stock": ([{"name": "sku", "type": "S"}], None),
            "api-idempotency-table": ([{"name": "id", "type": "S"}], expires),
            "worker-idempotency-table": ([{"name": "id", "type": "S"}], expires),
        }
        assert all(each.inputs["billingMode"] == "PAY_PER_REQUEST" for each in tables)


def test_provisioned_concurrency_belongs_to_the_alias_that_callers_use() -> None:
    # GIVEN / WHEN
    recording = recorded_with(
        "prod", {"orders:api_warm_start": "provisioned", "orders:api_provisioned_concurrency": "3"}
    )
    ready = recording.of_type("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")

    # THEN
    assert {each.name: each.inputs for each in ready} == {
        f"{each.name}-ready": {
            "functionName": f"orders-prod-{each.name}",
            "qualifier": "live",
            "provisionedConcurrentExecutions": 3,
        }
        for each in API_FUNCTIONS
    }
    for each in ready:
        sources = [by_urn(recording)[urn].name for urns in each.references.values() for urn in urns]
        assert each.name.replace("-ready", "-live") in sources


def test_strict_ordering_makes_every_queue_fifo_with_limits_per_message_group() -> None:
    # GIVEN / WHEN
    recording = recorded_with("dev", {"orders:strict_ordering": "true", "orders:batch_size": "1"})
    queues = [each.inputs for each in recording.of_type(QUEUE)]

    # THEN the dead-letter queues are FIFO too, because SQS requires a FIFO dead-letter queue for a
    # FIFO queue
    assert len(queues) == 4
    assert all(each["name"].endswith(".fifo") for each in queues)
    assert {(each["fifoQueue"], each["deduplicationScope"], each["fifoThroughputLimit"]) for each in queues} == {
        (True, "messageGroup", "perMessageGroupId")
    }
    # The functions that send messages have a setting for FIFO, because each message to a FIFO queue needs a group.
    senders = [
        each.name for each in recording.of_type(FUNCTION) if "ORDERS_QUEUE_FIFO" in str(each.inputs["environment"])
    ]
    assert senders == ["create-order-function", "process-order-function"]
    assert recording.one(FUNCTION, senders[0]).inputs["environment"]["variables"]["ORDERS_QUEUE_FIFO"] == "true"
    # The sender gives each message its deduplication id, so SQS does not derive the id from the text.
    assert not [each for each in queues if "contentBasedDeduplication" in each]


def test_every_role_including_codedeploy_s_has_the_permissions_boundary() -> None:
    # GIVEN
    boundary = "arn:aws:iam::123456789012:policy/pulumi-orders-prod-boundary"

    # WHEN
    roles = recorded_with("prod", {"orders:permissions_boundary_arn": boundary}).of_type("aws:iam/role:Role")

    # THEN
    assert {each.name: each.inputs["permissionsBoundary"] for each in roles} == dict.fromkeys(
        ("deploy-role", *(f"{each.name}-role" for each in FUNCTIONS)), boundary
    )
