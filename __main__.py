"""Event-driven orders: what is built, how it is wired, and who may do what on what."""

from pathlib import Path

import pulumi

from components.component import Scope
from components.config import StackConfig, load_config
from components.function import Function, FunctionArgs, FunctionCode, FunctionPlatform
from components.http_api import HttpApi, HttpApiArgs, Route
from components.idempotency_table import IdempotencyTable, IdempotencyTableArgs
from components.package import LambdaTarget, LocalTarget, PackageSpec, build_package
from components.queue import Queue, QueueArgs
from components.queue_consumer import QueueConsumer, QueueConsumerArgs
from components.table import Table, TableArgs
from components.topic import Topic, TopicArgs

ROOT = Path(__file__).resolve().parent


def function_code(config: StackConfig) -> FunctionCode:
    """The functions' zip, built or found built."""
    lambda_target = LambdaTarget(python_version=config.python_version, architecture=config.architecture)
    package = build_package(
        PackageSpec(
            root=ROOT,
            target=LocalTarget() if config.package_for_this_machine else lambda_target,
            bytecode=config.package_bytecode,
            bytecode_release=config.package_bytecode_release or None,
        )
    )
    return FunctionCode(path=package.relative_to(ROOT), sha256=package.source_code_hash)


def function_environment(config: StackConfig, prefix: str) -> dict[str, str]:
    """Variables of every function. Empty ones are not set at all."""
    variables = {
        "POWERTOOLS_METRICS_NAMESPACE": prefix,
        "POWERTOOLS_LOG_LEVEL": config.log_level,
        "POWERTOOLS_LOGGER_SAMPLE_RATE": f"{config.debug_log_percent / 100:g}",
        "POWERTOOLS_TRACE_DISABLED": "" if config.tracing else "true",
        "AWS_ENDPOINT_URL": config.local_endpoint,
    }
    return {name: value for name, value in variables.items() if value}


# Everything that can be wrong with the configuration is found here, before the first resource is registered.
config = load_config()
project, stack = pulumi.get_project(), pulumi.get_stack()
scope = Scope(
    prefix=f"{project}-{stack}",
    tags={"Project": project, "Stack": stack, "ManagedBy": "pulumi", **config.tags},
    # The embedded AWS speaks plain http: the one exception to TLS, for loopback, on a local stack.
    plain_http_from=("127.0.0.0/8", "::1/128") if config.local_endpoint else (),
)
platform = FunctionPlatform(
    code=function_code(config),
    runtime=f"python{config.python_version}",
    architecture=config.architecture,
    tracing=config.tracing,
    log_retention_days=config.log_retention_days,
    environment=function_environment(config, scope.prefix),
)

data = TableArgs(
    hash_key="order_id",
    point_in_time_recovery=config.point_in_time_recovery,
    deletion_protection=config.deletion_protection,
    protect=config.protect,
)
remembered = IdempotencyTableArgs(deletion_protection=config.deletion_protection, protect=config.protect)
orders = Table("orders", scope, data)
stock = Table("stock", scope, data.model_copy(update={"hash_key": "sku"}))
api_idempotency = IdempotencyTable("api-idempotency", scope, remembered)
worker_idempotency = IdempotencyTable("worker-idempotency", scope, remembered)
queue = Queue(
    "orders-queue",
    scope,
    QueueArgs(
        visibility_timeout_seconds=config.queue_visibility_seconds,
        retention_seconds=config.queue_retention_seconds,
        dead_letter_retention_seconds=config.dlq_retention_seconds,
        max_receive_count=config.max_receive_count,
    ),
)
notifications = Topic(
    "notifications",
    scope,
    TopicArgs(publishers=(scope.name("process-order"),), subscriptions=config.subscriptions),
)

create_order = Function(
    "create-order",
    scope,
    FunctionArgs(
        platform=platform,
        handler="runtime.handlers.create_order.handler",
        description="POST /orders: sends the order to the queue, stores it, answers 202",
        memory_mb=config.api_memory_mb,
        timeout_seconds=config.api_timeout_seconds,
        reserved_concurrency=config.api_reserved_concurrency,
        environment={
            "POWERTOOLS_SERVICE_NAME": "api",
            "ORDERS_TABLE": orders.table_name,
            "ORDERS_QUEUE_URL": queue.url,
            "IDEMPOTENCY_TABLE": api_idempotency.table_name,
            "IDEMPOTENCY_TTL_SECONDS": str(config.api_idempotency_ttl_seconds),
        },
        grants=(orders.grant("UpdateItem"), queue.grant("SendMessage"), api_idempotency.grant()),
    ),
)
get_order = Function(
    "get-order",
    scope,
    FunctionArgs(
        platform=platform,
        handler="runtime.handlers.get_order.handler",
        description="GET /orders/{order_id}: answers with the order's status",
        memory_mb=config.api_memory_mb,
        timeout_seconds=config.api_timeout_seconds,
        reserved_concurrency=config.api_reserved_concurrency,
        environment={"POWERTOOLS_SERVICE_NAME": "api", "ORDERS_TABLE": orders.table_name},
        grants=(orders.grant("GetItem"),),
    ),
)
process_order = Function(
    "process-order",
    scope,
    FunctionArgs(
        platform=platform,
        handler="runtime.handlers.process_order.handler",
        description="Works off the queue: takes stock, settles the order, publishes the outcome",
        memory_mb=config.worker_memory_mb,
        timeout_seconds=config.worker_timeout_seconds,
        reserved_concurrency=config.worker_reserved_concurrency,
        environment={
            "POWERTOOLS_SERVICE_NAME": "worker",
            "ORDERS_TABLE": orders.table_name,
            "STOCK_TABLE": stock.table_name,
            "IDEMPOTENCY_TABLE": worker_idempotency.table_name,
            "IDEMPOTENCY_TTL_SECONDS": str(config.worker_idempotency_ttl_seconds),
            "ORDERS_QUEUE_URL": queue.url,
            "DEAD_LETTER_QUEUE_URL": queue.dead_letter_url,
            "NOTIFICATIONS_TOPIC_ARN": notifications.arn,
            "EVENT_SOURCE": f"/{scope.prefix}",
            "MAX_RECEIVE_COUNT": str(config.max_receive_count),
            "RETRY_BASE_SECONDS": str(config.retry_base_seconds),
            "RETRY_CAP_SECONDS": str(config.retry_cap_seconds),
            "BATCH_THREADS": str(config.batch_threads),
            "ITEM_BUDGET_SECONDS": str(config.item_budget_seconds),
            "TIME_MARGIN_SECONDS": str(config.time_margin_seconds),
        },
        grants=(
            queue.grant("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"),
            queue.grant_dead_letters("SendMessage"),
            orders.grant("GetItem", "UpdateItem"),
            stock.grant("UpdateItem"),
            worker_idempotency.grant(),
            notifications.grant_publish(),
        ),
    ),
)

QueueConsumer(
    "orders-consumer",
    scope,
    QueueConsumerArgs(
        queue=queue,
        function=process_order,
        batch_size=config.batch_size,
        batch_window_seconds=config.batch_window_seconds,
        maximum_concurrency=config.worker_max_concurrency,
    ),
)
api = HttpApi(
    "api",
    scope,
    HttpApiArgs(
        routes=(
            Route(method="POST", path="/orders", function=create_order),
            Route(method="GET", path="/orders/{order_id}", function=get_order),
        ),
        throttle_rate=config.throttle_rate,
        throttle_burst=config.throttle_burst,
        log_retention_days=config.log_retention_days,
    ),
)

pulumi.export("api_url", api.url)
pulumi.export("orders_queue_url", queue.url)
pulumi.export("dead_letter_queue_url", queue.dead_letter_url)
pulumi.export("notifications_topic_arn", notifications.arn)
pulumi.export("subscriber_queue_urls", notifications.subscriber_queue_urls)
pulumi.export("orders_table", orders.table_name)
pulumi.export("stock_table", stock.table_name)
pulumi.export("api_idempotency_table", api_idempotency.table_name)
pulumi.export("worker_idempotency_table", worker_idempotency.table_name)
pulumi.export("create_order_function", create_order.function_name)
pulumi.export("get_order_function", get_order.function_name)
pulumi.export("process_order_function", process_order.function_name)
