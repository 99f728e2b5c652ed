"""What the stack tells others about itself."""

import pulumi

from components.http_api import HttpApi
from pipeline.data import Data
from pipeline.functions import Functions
from pipeline.messaging import Messaging
from pipeline.operations import Operations


def export_outputs(
    data: Data, messaging: Messaging, functions: Functions, api: HttpApi, operations: Operations
) -> None:
    """Export addresses and names: tools, subscribers and tests take them from here."""
    pulumi.export("api_url", api.url)
    pulumi.export("orders_queue_url", messaging.queue.url)
    pulumi.export("dead_letter_queue_url", messaging.queue.dead_letter_url)
    pulumi.export("notifications_topic_arn", messaging.notifications.arn)
    pulumi.export("subscriber_queue_urls", messaging.notifications.subscriber_queue_urls)
    pulumi.export("orders_table", data.orders.table_name)
    pulumi.export("stock_table", data.stock.table_name)
    pulumi.export("api_idempotency_table", data.api_idempotency.table_name)
    pulumi.export("worker_idempotency_table", data.worker_idempotency.table_name)
    pulumi.export("create_order_function", functions.create_order.function_name)
    pulumi.export("get_order_function", functions.get_order.function_name)
    pulumi.export("process_order_function", functions.process_order.function_name)
    alarms = operations.alarms
    pulumi.export("alarm_topic_arns", {str(tier): arn for tier, arn in alarms.topics.items()} if alarms else {})
    pulumi.export("dashboard", operations.dashboard.name)
