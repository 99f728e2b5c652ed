"""The worker: reserve, confirm, publish, once for each order."""

import json
import os
from collections.abc import Callable
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

logger, metrics = Logger(), Metrics()
records = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
config = IdempotencyConfig(event_key_jmespath="order_id")
processor = BatchProcessor(event_type=EventType.SQS)
dynamodb: Any = boto3.resource("dynamodb")
orders = dynamodb.Table(os.environ["ORDERS_TABLE"])
sns: Any = boto3.client("sns")
CLIENTS = (records.client, dynamodb.meta.client, sns)


once: Any = idempotent_function(data_keyword_argument="order", persistence_store=records, config=config)


def _settle(order: dict[str, Any]) -> str:
    """Take the stock, confirm the order, and publish the event."""
    take = [
        _update(
            "STOCK_TABLE", {"sku": line["sku"]}, "SET available = available - :n", "available >= :n", line["quantity"]
        )
        for line in order["lines"]
    ]
    confirm = _update("ORDERS_TABLE", {"order_id": order["order_id"]}, "SET state = :n", "state <> :n", "CONFIRMED")
    dynamodb.meta.client.transact_write_items(TransactItems=[*take, confirm])
    row = orders.get_item(Key={"order_id": order["order_id"]}, ConsistentRead=True)["Item"]
    sns.publish(TopicArn=os.environ["NOTIFICATIONS_TOPIC_ARN"], Message=json.dumps(row, default=str))
    metrics.add_metric("OrdersConfirmed", MetricUnit.Count, 1)
    logger.info("order processed", order_id=order["order_id"])
    return "CONFIRMED"


settle: Callable[..., str] = once(_settle)


def _update(table: str, key: dict[str, Any], update: str, condition: str, value: object) -> dict[str, Any]:
    given = {"UpdateExpression": update, "ConditionExpression": condition, "ExpressionAttributeValues": {":n": value}}
    return {"Update": {"TableName": os.environ[table], "Key": key, **given}}


def record_handler(record: SQSRecord) -> str:
    """Settle the order of one message."""
    return settle(order=json.loads(record.body))


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    """Process one batch."""
    config.register_lambda_context(context)
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
