"""`POST /orders`: validate, store, send."""

import json
import os
import uuid
from decimal import Decimal
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent
from pydantic import BaseModel, Field

logger, metrics = Logger(), Metrics()
records = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
config = IdempotencyConfig(event_key_jmespath='[headers."idempotency-key", body]')
dynamodb: Any = boto3.resource("dynamodb")
orders = dynamodb.Table(os.environ["ORDERS_TABLE"])
sqs: Any = boto3.client("sqs")
CLIENTS = (records.client, dynamodb.meta.client, sqs)


class Line(BaseModel):
    """One article of an order."""

    sku: str = Field(min_length=1, max_length=64)
    quantity: int = Field(gt=0)
    unit_price: Decimal = Field(ge=0)


class Order(BaseModel):
    """The body of a request."""

    currency: str = Field(pattern="^[A-Z]{3}$")
    lines: list[Line] = Field(min_length=1)


@metrics.log_metrics
@idempotent(persistence_store=records, config=config)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Accept one order."""
    order = {
        "order_id": str(uuid.uuid4()),
        "status": "ACCEPTED",
        **Order.model_validate_json(event["body"]).model_dump(),
    }
    orders.put_item(Item=order, ConditionExpression="attribute_not_exists(order_id)")
    sqs.send_message(QueueUrl=os.environ["ORDERS_QUEUE_URL"], MessageBody=json.dumps(order, default=str))
    metrics.add_metric("OrdersAccepted", MetricUnit.Count, 1)
    logger.info("order accepted", order_id=order["order_id"])
    return {"statusCode": 202, "body": json.dumps({"order_id": order["order_id"], "status": "ACCEPTED"})}
