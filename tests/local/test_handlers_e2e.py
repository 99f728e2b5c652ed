"""Tests that resources can be created, changed in place and deleted on the emulator. The tests of
functions, user pools, authorizers and EventBridge are in other files."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.services.aws import Aws
from local.services.registry import HANDLERS
from tests.local.factories import queue_inputs
from tests.local.made import POLICY, Made

pytestmark = pytest.mark.e2e


def test_a_queue_can_be_changed_and_is_deleted_with_its_policies(emulated: Aws) -> None:
    # GIVEN a queue, and its policies as separate resources
    dead = Made(emulated, "Queue", "dlq", name="q-dlq")
    redrive = json.dumps({"deadLetterTargetArn": dead.state["arn"], "maxReceiveCount": 3})
    queue = Made(emulated, "Queue", "q", **queue_inputs(name="q-main", redrivePolicy=redrive))
    parts = [
        Made(emulated, "QueuePolicy", "p", queueUrl=queue.id, policy=POLICY),
        Made(
            emulated,
            "RedriveAllowPolicy",
            "a",
            queueUrl=dead.id,
            redriveAllowPolicy=json.dumps({"redrivePermission": "denyAll"}),
        ),
    ]

    # WHEN the queue is changed in place
    outputs = queue.change(visibilityTimeoutSeconds=90, tags={"Stack": "local"})

    # THEN the queue has the new values, and keeps its ARN and its redrive policy
    attributes = emulated.sqs.get_queue_attributes(QueueUrl=queue.id, AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["QueueArn"]) == ("90", outputs["arn"])
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] in (3, "3")
    assert emulated.sqs.list_queue_tags(QueueUrl=queue.id)["Tags"] == {"Stack": "local"}

    # WHEN all resources are deleted, and then once more
    for _ in range(2):
        for each in (*parts, queue, dead):
            each.delete()

    # THEN no queue is left, and the second deletion is no error
    assert emulated.sqs.list_queues().get("QueueUrls", []) == []


def test_a_topic_and_its_subscription_can_be_changed_and_deleted(emulated: Aws) -> None:
    # GIVEN a topic with a policy and a filtered subscription
    queue = Made(emulated, "Queue", "sub", name="topic-subscriber")
    topic = Made(emulated, "Topic", "t", name="news", displayName="News", tags={"a": "b"})
    policy = Made(emulated, "TopicPolicy", "p", arn=topic.id, policy=POLICY)
    subscription = Made(
        emulated,
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
    assert emulated.sns.get_topic_attributes(TopicArn=topic.id)["Attributes"]["DisplayName"] == "Notices"
    attributes = emulated.sns.get_subscription_attributes(SubscriptionArn=subscription.id)["Attributes"]
    assert (attributes["RawMessageDelivery"], attributes["FilterPolicy"]) == (
        "true",
        '{"event_type": ["order.confirmed"]}',
    )

    # WHEN all resources are deleted, and then once more
    for _ in range(2):
        for each in (subscription, policy, topic, queue):
            each.delete()

    # THEN no topic is left
    assert emulated.sns.list_topics()["Topics"] == []


def test_a_table_is_deleted_only_without_its_protection(emulated: Aws) -> None:
    # GIVEN a table with deletion protection and a time to live
    table = Made(
        emulated,
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

    # WHEN somebody tries to delete the protected table
    with pytest.raises(ClientError):
        table.delete()

    # THEN the deletion is refused, and succeeds after the protection is turned off
    table.change(deletionProtectionEnabled=False)
    ttl = emulated.dynamodb.describe_time_to_live(TableName=table.id)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"}
    table.delete()
    table.delete()
    assert emulated.dynamodb.list_tables()["TableNames"] == []


def test_alarms_and_a_dashboard_can_be_changed_and_deleted(emulated: Aws) -> None:
    # GIVEN an alarm on a metric, one on an expression, one on other alarms, and a dashboard
    alarm = Made(
        emulated,
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
        emulated,
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
    both = Made(emulated, "CompositeAlarm", "c", alarmName="both", alarmRule="ALARM(age) OR ALARM(ratio)")
    dashboard = Made(emulated, "Dashboard", "d", dashboardName="main", dashboardBody='{"widgets": []}')

    # WHEN they are changed in place
    alarm.change(threshold=600)
    ratio.change(evaluationPeriods=4)
    both.change(alarmDescription="either")
    dashboard.change(dashboardBody='{"widgets": [], "start": "-PT3H"}')

    # THEN the service has the new values
    found = emulated.cloudwatch.describe_alarms(AlarmNames=["age"])["MetricAlarms"][0]
    assert (found["Threshold"], found["Dimensions"]) == (600, [{"Name": "QueueName", "Value": "q"}])

    # WHEN all resources are deleted, and then once more
    for _ in range(2):
        for each in (dashboard, both, ratio, alarm):
            each.delete()

    # THEN no alarm is left
    assert emulated.cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_these_tests_create_a_resource_of_every_type() -> None:
    # GIVEN the end-to-end tests of handlers
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("*handlers_e2e.py"))

    # THEN they create a resource of every type
    assert [token for token in HANDLERS if f'"{token.rsplit(":", 1)[1]}"' not in source] == []
