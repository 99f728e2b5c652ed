"""Every resource type against the emulator: created, changed in place, deleted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError

from local.deploy.resources import create, parse
from local.emulator import EmulatorOptions, start_emulator
from local.environment import ensure_environment
from local.instance import StateDir
from local.ports import free_port
from local.services.aws import Aws
from local.services.registry import HANDLERS
from tests.local.factories import HELLO, function_inputs, queue_inputs

pytestmark = pytest.mark.e2e

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sns:Publish", "Resource": "*"}]}
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    state = StateDir(tmp_path_factory.mktemp("emulator"))
    interpreter = ensure_environment(lambda _: None)
    with state.held() as lock:
        options = EmulatorOptions(interpreter, free_port(), "us-east-1", iam=False, instance_id="handlers")
        emulator = start_emulator(state, options, lock)
        try:
            emulator.wait_until_healthy()
            yield Aws(emulator.endpoint_url, "us-east-1")
        finally:
            emulator.stop()


class Made:
    """A resource with its handler; `changed` and `deleted` work as an engine would drive them."""

    def __init__(self, aws: Aws, kind: str, logical_name: str, /, **inputs: Any) -> None:
        self.aws = aws
        self.handler = next(each for token, each in HANDLERS.items() if token.endswith(f":{kind}"))
        self.inputs = inputs
        made = create(aws, self.handler.pulumi_type, logical_name, inputs)
        self.id = made.id
        self.state = made.outputs

    def change(self, **inputs: Any) -> Any:
        assert set(inputs) <= self.handler.updatable
        old = parse(self.handler, self.id, self.inputs)
        self.inputs = {**self.inputs, **inputs}
        return self.handler.update(self.aws, self.id, old, parse(self.handler, self.id, self.inputs))

    def delete(self) -> None:
        self.handler.delete(self.aws, self.id, parse(self.handler, self.id, self.inputs))


def test_queue(aws: Aws) -> None:
    # GIVEN a queue with its policies as resources of their own
    dead = Made(aws, "Queue", "dlq", name="q-dlq")
    queue = Made(aws, "Queue", "q", **queue_inputs(name="q-main"))
    redrive = json.dumps({"deadLetterTargetArn": dead.state["arn"], "maxReceiveCount": 3})
    parts = [
        Made(aws, "QueuePolicy", "p", queueUrl=queue.id, policy=POLICY),
        Made(aws, "RedrivePolicy", "r", queueUrl=queue.id, redrivePolicy=redrive),
        Made(
            aws,
            "RedriveAllowPolicy",
            "a",
            queueUrl=dead.id,
            redriveAllowPolicy=json.dumps({"redrivePermission": "denyAll"}),
        ),
    ]

    # WHEN it is changed in place
    outputs = queue.change(visibilityTimeoutSeconds=90, tags={"Stack": "local"})

    # THEN the queue has the new values, the policies, and the same identity
    attributes = aws.sqs.get_queue_attributes(QueueUrl=queue.id, AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["QueueArn"]) == ("90", outputs["arn"])
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] in (3, "3")
    assert aws.sqs.list_queue_tags(QueueUrl=queue.id)["Tags"] == {"Stack": "local"}

    # WHEN all are deleted, twice
    for _ in range(2):
        for each in (*parts, queue, dead):
            each.delete()

    # THEN nothing is left, and the second time is no error
    assert aws.sqs.list_queues().get("QueueUrls", []) == []


def test_topic(aws: Aws) -> None:
    # GIVEN a topic with a policy and a filtered subscription
    queue = Made(aws, "Queue", "sub", name="topic-subscriber")
    topic = Made(aws, "Topic", "t", name="news", displayName="News", tags={"a": "b"})
    policy = Made(aws, "TopicPolicy", "p", arn=topic.id, policy=POLICY)
    subscription = Made(
        aws,
        "TopicSubscription",
        "s",
        topic=topic.id,
        protocol="sqs",
        endpoint=queue.state["arn"],
        filterPolicy='{"event_type": ["order.confirmed"]}',
    )

    # WHEN they are changed in place
    topic.change(displayName="Notices")
    policy.change(policy=POLICY)
    subscription.change(rawMessageDelivery=True)

    # THEN the service has the new values
    assert aws.sns.get_topic_attributes(TopicArn=topic.id)["Attributes"]["DisplayName"] == "Notices"
    attributes = aws.sns.get_subscription_attributes(SubscriptionArn=subscription.id)["Attributes"]
    assert (attributes["RawMessageDelivery"], attributes["FilterPolicy"]) == (
        "true",
        '{"event_type": ["order.confirmed"]}',
    )

    # WHEN all are deleted, twice
    for _ in range(2):
        for each in (subscription, policy, topic, queue):
            each.delete()

    # THEN nothing is left
    assert aws.sns.list_topics()["Topics"] == []


def test_table(aws: Aws) -> None:
    # GIVEN a protected table with time to live
    table = Made(
        aws,
        "Table",
        "t",
        name="things",
        billingMode="PAY_PER_REQUEST",
        hashKey="id",
        attributes=[{"name": "id", "type": "S"}],
        ttl={"attributeName": "expiration", "enabled": True},
        pointInTimeRecovery={"enabled": True},
        deletionProtectionEnabled=True,
        tags={"a": "b"},
    )

    # WHEN it is deleted as it is
    with pytest.raises(ClientError):
        table.delete()

    # THEN it refuses, until the protection is taken off
    table.change(deletionProtectionEnabled=False)
    ttl = aws.dynamodb.describe_time_to_live(TableName=table.id)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"}
    table.delete()
    table.delete()
    assert aws.dynamodb.list_tables()["TableNames"] == []


def test_function_with_all_that_reaches_it(aws: Aws) -> None:
    # GIVEN a function with role, log group, alias, mapping and a route to it
    role = Made(aws, "Role", "r", name="greet", assumeRolePolicy=TRUST, tags={"a": "b"})
    inline = Made(aws, "RolePolicy", "rp", name="inline", role="greet", policy=POLICY)
    managed = Made(aws, "Policy", "mp", name="managed", policy=POLICY)
    attached = Made(aws, "RolePolicyAttachment", "rpa", role="greet", policyArn=managed.id)
    logs = Made(aws, "LogGroup", "l", name="/aws/lambda/greet", retentionInDays=7)
    function = Made(
        aws,
        "Function",
        "f",
        **function_inputs(
            role=role.state["arn"],
            environment={"variables": {"GREETING": "hi"}},
            loggingConfig={"logFormat": "Text", "logGroup": logs.id},
            tracingConfig={"mode": "PassThrough"},
            architectures=["x86_64"],
        ),
    )
    alias = Made(aws, "Alias", "a", name="live", functionName=function.id, functionVersion=function.state["version"])
    queue = Made(aws, "Queue", "q", name="greet-queue")
    mapping = Made(
        aws,
        "EventSourceMapping",
        "m",
        eventSourceArn=queue.state["arn"],
        functionName=alias.id,
        functionResponseTypes=["ReportBatchItemFailures"],
        scalingConfig={"maximumConcurrency": 2},
    )
    api = Made(aws, "Api", "api", name="api", protocolType="HTTP", corsConfiguration={"allowOrigins": ["*"]})
    integration = Made(
        aws,
        "Integration",
        "i",
        apiId=api.id,
        integrationType="AWS_PROXY",
        integrationUri=alias.state["invokeArn"],
        payloadFormatVersion="2.0",
    )
    permission = Made(
        aws,
        "Permission",
        "p",
        action="lambda:InvokeFunction",
        function=function.id,
        qualifier="live",
        principal="apigateway.amazonaws.com",
    )
    route = Made(aws, "Route", "rt", apiId=api.id, routeKey="GET /greet", target=f"integrations/{integration.id}")
    stage = Made(
        aws,
        "Stage",
        "s",
        apiId=api.id,
        name="$default",
        autoDeploy=True,
        defaultRouteSettings={"throttlingRateLimit": 10, "throttlingBurstLimit": 5},
        accessLogSettings={"destinationArn": logs.state["arn"], "format": "$context.requestId"},
    )
    first = json.loads(aws.lambda_.invoke(FunctionName=alias.id, Payload=b"{}")["Payload"].read())

    # WHEN its code changes and the alias follows, and everything else changes too
    code = pulumi.AssetArchive({"app.py": pulumi.StringAsset(HELLO.replace("hello", "welcome"))})
    outputs = function.change(code=code, timeout=9, tags={"c": "d"})
    alias.change(functionVersion=outputs["version"])
    mapping.change(batchSize=5)
    api.change(description="greets")
    integration.change(timeoutMilliseconds=5000)
    route.change(operationName="greet")
    stage.change(description="the only one")
    role.change(description="for greeting")
    inline.change(policy=POLICY)
    logs.change(retentionInDays=14)

    # THEN callers of the alias get the new code, by a new version
    second = json.loads(aws.lambda_.invoke(FunctionName=alias.id, Payload=b"{}")["Payload"].read())
    assert (first, second) == ({"hello": "nobody"}, {"welcome": "nobody"})
    assert outputs["version"] != function.state["version"]
    assert aws.lambda_.get_event_source_mapping(UUID=mapping.id)["BatchSize"] == 5
    assert aws.lambda_.list_tags(Resource=outputs["arn"])["Tags"] == {"c": "d"}
    assert stage.state["invokeUrl"] == f"{aws.endpoint_url}/_aws/execute-api/{api.id}/"

    # WHEN all are deleted, twice
    for _ in range(2):
        for each in (stage, route, permission, integration, api, mapping, queue, alias, function, logs):
            each.delete()
        for each in (attached, managed, inline, role):
            each.delete()

    # THEN nothing is left
    assert aws.lambda_.list_functions()["Functions"] == []
    assert aws.iam.list_roles()["Roles"] == []
    assert aws.apigatewayv2.get_apis()["Items"] == []


def test_alarms_dashboard_and_log_metrics(aws: Aws) -> None:
    # GIVEN alarms, one on an expression, one on others, a dashboard, a metric of log lines and a log policy
    group = Made(aws, "LogGroup", "l", name="/aws/lambda/alarmed")
    alarm = Made(
        aws,
        "MetricAlarm",
        "a",
        name="age",
        comparisonOperator="GreaterThanThreshold",
        evaluationPeriods=1,
        namespace="AWS/SQS",
        metricName="ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": "q"},
        period=60,
        statistic="Maximum",
        threshold=300.5,
    )
    ratio = Made(
        aws,
        "MetricAlarm",
        "r",
        name="ratio",
        comparisonOperator="GreaterThanThreshold",
        evaluationPeriods=3,
        datapointsToAlarm=2,
        threshold=1,
        treatMissingData="notBreaching",
        metricQueries=[
            {"id": "e", "expression": "errors / requests", "returnData": True},
            {
                "id": "errors",
                "metric": {"metricName": "5xx", "namespace": "AWS/ApiGateway", "period": 60, "stat": "Sum"},
            },
        ],
    )
    both = Made(aws, "CompositeAlarm", "c", alarmName="both", alarmRule="ALARM(age) OR ALARM(ratio)")
    dashboard = Made(aws, "Dashboard", "d", dashboardName="main", dashboardBody='{"widgets": []}')
    metric = Made(
        aws,
        "LogMetricFilter",
        "m",
        name="errors",
        logGroupName=group.id,
        pattern="ERROR",
        metricTransformation={"name": "Errors", "namespace": "orders", "value": "1"},
    )
    policy = Made(aws, "LogResourcePolicy", "p", policyName="write", policyDocument=POLICY)

    # WHEN they are changed in place
    alarm.change(threshold=600)
    ratio.change(evaluationPeriods=4)
    both.change(alarmDescription="either")
    dashboard.change(dashboardBody='{"widgets": [], "start": "-PT3H"}')
    metric.change(pattern="FATAL")
    policy.change(policyDocument=POLICY)

    # THEN the service has the new values
    found = aws.cloudwatch.describe_alarms(AlarmNames=["age"])["MetricAlarms"][0]
    assert (found["Threshold"], found["Dimensions"]) == (600, [{"Name": "QueueName", "Value": "q"}])

    # WHEN all are deleted, twice
    for _ in range(2):
        for each in (policy, metric, dashboard, both, ratio, alarm, group):
            each.delete()

    # THEN no alarm is left
    assert aws.cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_every_type_is_tried_here() -> None:
    # GIVEN this file
    source = Path(__file__).read_text()

    # THEN it makes a resource of every known type
    assert [token for token in HANDLERS if f'"{token.rsplit(":", 1)[1]}"' not in source] == []
