"""Tests that every input of each resource type affects the API calls, and that the API accepts the
names and types in these calls."""

from itertools import count
from typing import Any

import pulumi
import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ParamValidationError

from local.keys import Keys
from local.services import functions
from local.services.aws import Aws
from local.services.base import Handler, input_shape
from local.services.registry import HANDLERS

_NUMBERS = count()
_NOTHING = {"INACTIVE", "None"}
_INDEX = {"name": "by-a", "hashKey": "a", "rangeKey": "b", "projectionType": "INCLUDE", "nonKeyAttributes": ["c"]}
_METRIC = {"metricName": "m", "namespace": "n", "period": 60, "stat": "Sum", "dimensions": {"a": "b"}, "unit": "Count"}
# The inputs that a type requires, and those whose shape in the API differs from Pulumi's.
EXAMPLES: dict[str, dict[str, Any]] = {
    "Alias": {"functionName": "f", "functionVersion": "1", "routingConfig": {"additionalVersionWeights": {"2": 0.5}}},
    "Api": {"protocolType": "HTTP"},
    "Authorizer": {
        "apiId": "a",
        "authorizerType": "JWT",
        "identitySources": ["$request.header.Authorization"],
        "jwtConfiguration": {"issuer": "i", "audiences": ["a"]},
    },
    "CompositeAlarm": {
        "alarmName": "c",
        "alarmRule": "ALARM(a)",
        "actionsSuppressor": {"alarm": "a", "extensionPeriod": 60, "waitPeriod": 60},
    },
    "Dashboard": {"dashboardName": "d", "dashboardBody": "{}"},
    "EventBus": {"name": "bus"},
    "EventRule": {"name": "rule", "state": "DISABLED"},
    "EventSourceMapping": {"eventSourceArn": "arn:q"},
    "EventTarget": {"rule": "r", "targetId": "t", "arn": "arn:q", "inputPath": "$.detail"},
    "Function": {"code": pulumi.AssetArchive({}), "reservedConcurrentExecutions": 7},
    "Integration": {"apiId": "a", "integrationType": "AWS_PROXY", "timeoutMilliseconds": 7000},
    "LogGroup": {"retentionInDays": 7},
    "MetricAlarm": {
        "comparisonOperator": "LessThanThreshold",
        "evaluationPeriods": 1,
        "metricQueries": [{"id": "a", "metric": _METRIC}, {"id": "b", "expression": "a"}],
    },
    "Permission": {"action": "lambda:InvokeFunction", "function": "f", "principal": "p"},
    "ProvisionedConcurrencyConfig": {"functionName": "f", "qualifier": "1", "provisionedConcurrentExecutions": 1},
    "QueuePolicy": {"queueUrl": "url"},
    "RedriveAllowPolicy": {"queueUrl": "url"},
    "ResourceServer": {
        "identifier": "i",
        "userPoolId": "eu-west-1_1",
        "scopes": [{"scopeName": "read", "scopeDescription": "Look"}],
    },
    "Role": {"assumeRolePolicy": "{}"},
    "RolePolicy": {"role": "r", "policy": "{}"},
    "Route": {"apiId": "a", "routeKey": "GET /"},
    "Stage": {"apiId": "a", "routeSettings": [{"routeKey": "GET /", "throttlingBurstLimit": 1}]},
    "Table": {
        "attributes": [{"name": "id", "type": "S"}],
        "hashKey": "id",
        "rangeKey": "at",
        "globalSecondaryIndexes": [_INDEX],
        "serverSideEncryption": {"enabled": True, "kmsKeyArn": "arn:k"},
        "streamEnabled": True,
        "ttl": {"attributeName": "expiration", "enabled": True},
        "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 7},
    },
    "TopicPolicy": {"arn": "arn:t", "policy": "{}"},
    "TopicSubscription": {"topic": "arn:t", "protocol": "sqs", "endpoint": "arn:q"},
    "UserPoolClient": {"userPoolId": "eu-west-1_1"},
    "UserPoolDomain": {"domain": "d", "userPoolId": "eu-west-1_1"},
}

NEEDED = {"alarmName", "alarmRule", "attributes", "code", "dashboardName", "domain", "enabled", "functionName"}
NEEDED |= {"identifier", "jwtConfiguration", "name", "qualifier", "queueUrl", "role", "routeKey", "rule", "scopeName"}
NEEDED |= {"targetId", "userPoolId"}


class Answer(dict[str, Any]):
    """A fake answer of the API. Every member is an empty answer, so a handler finds no failure in it."""

    def __missing__(self, _: str) -> Any:
        return Answer()


@pytest.fixture(scope="module")
def aws() -> Aws:
    return Aws("http://127.0.0.1:1", "us-east-1", Keys.fresh()).connect()


def a_value(shape: Any) -> Any:
    """Return a value of this type, with all of its members."""
    if shape.type_name == "structure":
        return {name[0].lower() + name[1:]: a_value(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [a_value(shape.member)]
    if shape.type_name == "map":
        return {"key": a_value(shape.value)}
    if enum := getattr(shape, "enum", None):
        return next(each for each in enum if each not in _NOTHING)
    return {"boolean": True, "integer": 7200, "double": 7.5}.get(shape.type_name, f"{next(_NUMBERS):024}")


def everything(handler: Handler) -> dict[str, Any]:
    """Return the inputs of the type's example, those in `updatable` and `separate`, and tags.

    No value is a default.
    """
    members = {name.lower(): shape for name, shape in input_shape(handler.service, handler.creates).members.items()}
    names = {name: handler.renamed.get(name, name).lower() for name in handler.updatable}
    given = {name: a_value(members[known]) for name, known in names.items() if known in members}
    texts = {name: f"{name} 1" for name in handler.separate}
    tags = {"tags": {"a": "b"}} if handler.renamed.get("tags", "tags").lower() in members else {}
    example = EXAMPLES.get(handler.pulumi_type.rpartition(":")[2], {})
    not_default = {name: False for name, value in handler.defaults.items() if value is True}
    return {**texts, **given, **tags, **example, **not_default}


def calls(aws: Aws, handler: Handler, inputs: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the calls that create the resource. The SDK checks their parameters, and nothing is sent."""
    made: list[tuple[str, Any]] = []

    def note(params: Any, model: Any, **_: Any) -> None:
        made.append((model.name, params))

    def answer(**_: Any) -> tuple[AWSResponse, Answer]:
        return AWSResponse("", 200, HTTPHeaders(), None), Answer()

    clients = [each for each in vars(aws).values() if hasattr(each, "meta")]
    for client in clients:
        client.meta.events.register("before-parameter-build", note, unique_id="note")
        client.meta.events.register("before-call", answer, unique_id="answer")
    try:
        handler.check(inputs)
        handler.create(aws, "logical", inputs)
    finally:
        for client in clients:
            client.meta.events.unregister("before-parameter-build", unique_id="note")
            client.meta.events.unregister("before-call", unique_id="answer")
    return made


def smaller(inputs: Any) -> list[Any]:
    """Return copies of the inputs, each without one input or without one part of an input."""
    if isinstance(inputs, list):
        return [[each] for each in smaller(inputs[0])] if inputs else []
    if not isinstance(inputs, dict):
        return []
    whole = [{key: value for key, value in inputs.items() if key != name} for name in inputs]
    return whole + [{**inputs, name: part} for name, value in inputs.items() for part in smaller(value)]


@pytest.mark.parametrize("token", HANDLERS)
def test_every_input_affects_the_api_calls(aws: Aws, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the inputs that `everything` returns for the type
    handler = HANDLERS[token]
    monkeypatch.setattr(functions, "_started", lambda *_: None)
    given = everything(handler)
    # WHEN a resource is created with all inputs, and then, for each part of the inputs, without
    # this part
    whole = calls(aws, handler, given)
    unread: list[Any] = []
    for part in smaller(given):
        try:
            unread += [part] if calls(aws, handler, part) == whole else []
        except ParamValidationError:
            continue  # the API requires it
        except KeyError as missing:
            unread += [] if missing.args[0] in NEEDED else [missing]
    # THEN each missing part changes the calls, or the API or the handler reports that the part is missing
    assert whole
    assert unread == []
