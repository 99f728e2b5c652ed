"""Cases for the provider rules. In each case one resource of a stack gets inputs that break a rule."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.infra import provider_limits, provider_rules
from tests.infra.provider_rules import FUNCTION, MAPPING, PROVISIONED, QUEUE, Rule


@dataclass(frozen=True)
class Broken:
    """A case: the resource `name` of type `token` gets `inputs` that break `rule`. The finding contains all `words`.

    The name `*` stands for the first resource of the type.
    """

    rule: Rule
    token: str
    name: str
    inputs: Mapping[str, Any]
    words: tuple[str, ...]
    stack: str = "prod"


API = "aws:apigatewayv2/{0}:{1}"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
FILTERED = "notifications-rejections"
WORKER, CONSUMER = "process-order-function", "orders-consumer-mapping"
METRIC = {"id": "m", "metric": {"namespace": "AWS/SQS", "metricName": "NumberOfMessagesSent", "period": 60}}


def _math(expression: str, identifier: str = "m") -> dict[str, Any]:
    """Return the metric queries of one metric and one expression."""
    return {"metricQueries": [{**METRIC, "id": identifier}, {"id": "e", "expression": expression, "returnData": True}]}


BROKEN: dict[str, Broken] = {
    "visibility": Broken(
        provider_rules.visibility,
        QUEUE,
        "orders-queue",
        {"visibilityTimeoutSeconds": 30},
        ("orders-queue", "given visibilityTimeoutSeconds 30", "at least 6 x timeout + window ="),
    ),
    "retention": Broken(
        provider_rules.dead_letter_retention,
        QUEUE,
        "orders-queue-dlq",
        {"messageRetentionSeconds": 60},
        ("orders-queue-dlq", "given messageRetentionSeconds 60", "of orders-queue"),
    ),
    "batch size": Broken(
        provider_rules.queue_consumers,
        MAPPING,
        CONSUMER,
        {"batchSize": 10_001, "maximumBatchingWindowInSeconds": 1},
        ("given batchSize 10001", "allowed: 1 to 10000"),
    ),
    "batch window": Broken(
        provider_rules.queue_consumers,
        MAPPING,
        CONSUMER,
        {"maximumBatchingWindowInSeconds": 301},
        ("given maximumBatchingWindowInSeconds 301", "allowed: 0 to 300"),
    ),
    "large batch without a window": Broken(
        provider_rules.queue_consumers,
        MAPPING,
        CONSUMER,
        {"batchSize": 11, "maximumBatchingWindowInSeconds": 0},
        ("given batchSize 11 without a window", "a window of at least 1"),
    ),
    "mapping's concurrency": Broken(
        provider_rules.queue_consumers,
        MAPPING,
        CONSUMER,
        {"scalingConfig": {"maximumConcurrency": 1}},
        ("given maximumConcurrency 1", "allowed: 2 to 1000"),
    ),
    "reserved below -1": Broken(
        provider_rules.concurrency,
        FUNCTION,
        WORKER,
        {"reservedConcurrentExecutions": -2},
        ("given reservedConcurrentExecutions -2", "-1 (none reserved) or more"),
    ),
    "reserved below the mapping's maximum": Broken(
        provider_rules.concurrency,
        FUNCTION,
        WORKER,
        {"reservedConcurrentExecutions": 1},
        ("given reservedConcurrentExecutions 1", "-1, or at least"),
    ),
    "runtime": Broken(
        provider_rules.functions, FUNCTION, WORKER, {"runtime": "python3.8"}, ("given runtime python3.8", "python3.13")
    ),
    "architecture": Broken(
        provider_rules.functions,
        FUNCTION,
        WORKER,
        {"architectures": ["arm64", "x86_64"]},
        ("given architectures ['arm64', 'x86_64']", "one of arm64, x86_64"),
    ),
    "timeout": Broken(
        provider_rules.functions, FUNCTION, WORKER, {"timeout": 901}, ("given timeout 901", "allowed: 1 to 900")
    ),
    "memory": Broken(
        provider_rules.functions, FUNCTION, WORKER, {"memorySize": 64}, ("given memorySize 64", "128 to 10240")
    ),
    "environment": Broken(
        provider_rules.functions,
        FUNCTION,
        WORKER,
        {"environment": {"variables": {"LONG": "x" * 4_096}}},
        ("given 4100 characters of environment", "4096 bytes for all variables together"),
    ),
    "snapshots of an old Python": Broken(
        provider_rules.warm_starts,
        FUNCTION,
        "get-order-function",
        {"runtime": "python3.11"},
        ("given snapStart", "Python 3.12 or newer"),
        stack="snapshots",
    ),
    "snapshots and provisioned concurrency": Broken(
        provider_rules.warm_starts,
        FUNCTION,
        "get-order-function",
        {"snapStart": {"applyOn": "PublishedVersions"}},
        ("given snapStart and get-order-ready", "one of the two"),
        stack="ready",
    ),
    "more provisioned than reserved": Broken(
        provider_rules.warm_starts,
        FUNCTION,
        "get-order-function",
        {"reservedConcurrentExecutions": 0},
        (
            "get-order-ready",
            "given provisionedConcurrentExecutions 1",
            "at least 1 and at most the reserved concurrency, 0",
        ),
        stack="ready",
    ),
    "no provisioned concurrency": Broken(
        provider_rules.warm_starts,
        PROVISIONED,
        "get-order-ready",
        {"provisionedConcurrentExecutions": 0},
        ("get-order-ready", "given provisionedConcurrentExecutions 0; allowed: at least 1"),
        stack="ready",
    ),
    "route without an integration": Broken(
        provider_rules.routes,
        API.format("route", "Route"),
        "*",
        {"target": "integrations/nowhere"},
        ("given target integrations/nowhere", "one of ['integrations/"),
    ),
    "route's authorizer": Broken(
        provider_rules.routes,
        API.format("route", "Route"),
        "*",
        {"authorizationType": "JWT", "authorizerId": "nobody"},
        ("given authorizerId nobody", "one of ["),
    ),
    "audience": Broken(
        provider_rules.authorizers,
        API.format("authorizer", "Authorizer"),
        "api-authorizer",
        {"jwtConfiguration": {"issuer": "https://id.example.com", "audiences": []}},
        ("given no jwtConfiguration.audiences", "at least one audience"),
    ),
    "issuer": Broken(
        provider_rules.authorizers,
        API.format("authorizer", "Authorizer"),
        "api-authorizer",
        {"jwtConfiguration": {"audiences": ["orders"]}},
        ("given no jwtConfiguration.issuer", "an https URL"),
    ),
    "metric math": Broken(
        provider_rules.metric_math,
        ALARM,
        "*",
        _math("100 * (m /"),
        ("given the expression '100 * (m /'", "metric math"),
    ),
    "unknown id": Broken(
        provider_rules.metric_math,
        ALARM,
        "*",
        _math("m + n"),
        ("given the expression 'm + n', which names ['n']", "ids of the same alarm: ['e', 'm']"),
    ),
    "id's form": Broken(
        provider_rules.metric_math, ALARM, "*", _math("SUM(e)", "M1"), ("given the id 'M1'", "a small letter")
    ),
    "several results": Broken(
        provider_rules.metric_math,
        ALARM,
        "*",
        {"metricQueries": [{**METRIC, "returnData": True}, {**METRIC, "id": "n", "returnData": True}]},
        ("given results ['m', 'n']", "exactly one query with returnData"),
    ),
    "dimensions": Broken(
        provider_rules.dimensions,
        ALARM,
        "*",
        {
            "metricQueries": None,
            "namespace": "AWS/ApiGateway",
            "metricName": "Latency",
            "dimensions": {"FunctionName": "orders-prod-get-order"},
        },
        ("FunctionName", "dimensions that its service publishes"),
    ),
    "filter policy": Broken(
        provider_rules.filter_policies,
        SUBSCRIPTION,
        FILTERED,
        {"filterPolicy": json.dumps({"event_type": "order.rejected"})},
        ("given filterPolicy event_type: 'order.rejected'", "a list with at least one value"),
        stack="local",
    ),
    "filter policy's size": Broken(
        provider_rules.filter_policies,
        SUBSCRIPTION,
        FILTERED,
        {"filterPolicy": json.dumps({letter: [1] for letter in "abcdef"})},
        ("given filterPolicy with 6 attributes", "5 at most"),
        stack="local",
    ),
    "firewall's region": Broken(
        provider_rules.cloudfront_region,
        "aws:wafv2/webAcl:WebAcl",
        "*",
        {"region": "eu-west-1"},
        ("given scope CLOUDFRONT in region eu-west-1", "allowed: us-east-1"),
        stack="edge",
    ),
    "edge's certificate": Broken(
        provider_rules.cloudfront_region,
        "aws:cloudfront/distribution:Distribution",
        "*",
        {"viewerCertificate": {"acmCertificateArn": "arn:aws:acm:eu-west-1:1:certificate/1"}},
        ("given acmCertificateArn arn:aws:acm:eu-west-1", "a certificate in us-east-1"),
        stack="edge",
    ),
    "typo in a dict": Broken(
        provider_rules.nested_arguments,
        MAPPING,
        CONSUMER,
        {"scalingConfig": {"maximumConcurency": 5}},
        ("unknown property 'maximumConcurency'", "allowed: maximumConcurrency"),
    ),
    "schedule": Broken(
        provider_rules.schedules,
        FUNCTION,
        WORKER,
        {"scheduleExpression": "cron(0 12 * * *)"},
        ("given scheduleExpression cron(0 12 * * *)", "cron(…) with six fields and one ? in a day field"),
    ),
    "name's length": Broken(
        provider_limits.names,
        FUNCTION,
        WORKER,
        {"name": "f" * 65},
        ("given name of 65 characters", "allowed: 64", "shorten the project's or the stack's name"),
    ),
    "name's form": Broken(
        provider_limits.names,
        QUEUE,
        "orders-queue",
        {"name": "orders queue"},
        ("given name 'orders queue'", "allowed:"),
    ),
    "name without a limit": Broken(
        provider_limits.names,
        QUEUE,
        "orders-queue",
        {"otherName": "q"},
        ("the limit of otherName is not known", "add it to provider_limits.NAMES"),
    ),
    "policy's size": Broken(
        provider_limits.documents,
        "aws:sqs/queuePolicy:QueuePolicy",
        "orders-queue-policy",
        {"policy": "x" * 8_193},
        ("given 8193 bytes of policy", "allowed: 8192"),
    ),
    "size of a role's policy": Broken(
        provider_limits.documents,
        "aws:iam/rolePolicy:RolePolicy",
        "process-order-policy",
        {"policy": "x" * 10_241},
        ("given 10241 bytes of policy", "allowed: 10240"),
    ),
    "policy without a limit": Broken(
        provider_limits.documents,
        FUNCTION,
        WORKER,
        {"policy": "{}"},
        ("the limit of policy is not known", "add it to provider_limits.DOCUMENTS"),
    ),
}
