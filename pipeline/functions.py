"""The functions: what each is told, and all that each may do."""

from dataclasses import dataclass

from components.component import Scope
from components.function import Function, FunctionArgs, FunctionPlatform, WarmStart
from components.queue_consumer import QueueConsumer, QueueConsumerArgs
from pipeline.callers import caller_environment
from pipeline.config import StackConfig
from pipeline.data import Data
from pipeline.encryption import key_grants
from pipeline.messaging import Messaging, event_source
from pipeline.origin import origin_environment


@dataclass(frozen=True)
class Functions:
    """The three functions of the pipeline."""

    create_order: Function
    get_order: Function
    process_order: Function

    @property
    def all(self) -> tuple[Function, ...]:
        """All of them."""
        return (self.create_order, self.get_order, self.process_order)


def build_functions(
    config: StackConfig, scope: Scope, platform: FunctionPlatform, data: Data, messaging: Messaging
) -> Functions:
    """The functions, and the worker's connection to its queue."""
    functions = Functions(
        create_order=_create_order(config, scope, platform, data, messaging),
        get_order=_get_order(config, scope, platform, data),
        process_order=_process_order(config, scope, platform, data, messaging),
    )
    QueueConsumer(
        "orders-consumer",
        scope,
        QueueConsumerArgs(
            queue=messaging.queue,
            function=functions.process_order,
            batch_size=config.batch_size,
            batch_window_seconds=config.batch_window_seconds,
            maximum_concurrency=config.worker_max_concurrency,
        ),
    )
    return functions


def _create_order(
    config: StackConfig, scope: Scope, platform: FunctionPlatform, data: Data, messaging: Messaging
) -> Function:
    return Function(
        "create-order",
        scope,
        FunctionArgs(
            platform=platform,
            handler="runtime.handlers.create_order.handler",
            description="POST /orders: sends the order to the queue, stores it, answers 202",
            memory_mb=config.api_memory_mb,
            timeout_seconds=config.api_timeout_seconds,
            reserved_concurrency=config.api_reserved_concurrency,
            warm_start=_warm_start(config),
            environment={
                "POWERTOOLS_SERVICE_NAME": "api",
                "ORDERS_TABLE": data.orders.table_name,
                "ORDERS_QUEUE_URL": messaging.queue.url,
                "IDEMPOTENCY_TABLE": data.api_idempotency.table_name,
                "IDEMPOTENCY_TTL_SECONDS": str(config.api_idempotency_ttl_seconds),
                **_ordering(config),
                **caller_environment(config),
                **origin_environment(config),
            },
            grants=(
                data.orders.grant("UpdateItem"),
                messaging.queue.grant("SendMessage"),
                data.api_idempotency.grant(),
                *key_grants(scope, "Decrypt", "GenerateDataKey"),
            ),
        ),
    )


def _get_order(config: StackConfig, scope: Scope, platform: FunctionPlatform, data: Data) -> Function:
    return Function(
        "get-order",
        scope,
        FunctionArgs(
            platform=platform,
            handler="runtime.handlers.get_order.handler",
            description="GET /orders/{order_id}: answers with the order's status",
            memory_mb=config.api_memory_mb,
            timeout_seconds=config.api_timeout_seconds,
            reserved_concurrency=config.api_reserved_concurrency,
            warm_start=_warm_start(config),
            environment={
                "POWERTOOLS_SERVICE_NAME": "api",
                "ORDERS_TABLE": data.orders.table_name,
                **caller_environment(config),
                **origin_environment(config),
            },
            grants=(data.orders.grant("GetItem"), *key_grants(scope, "Decrypt")),
        ),
    )


def _process_order(
    config: StackConfig, scope: Scope, platform: FunctionPlatform, data: Data, messaging: Messaging
) -> Function:
    queue = messaging.queue
    return Function(
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
                "ORDERS_TABLE": data.orders.table_name,
                "STOCK_TABLE": data.stock.table_name,
                "IDEMPOTENCY_TABLE": data.worker_idempotency.table_name,
                "IDEMPOTENCY_TTL_SECONDS": str(config.worker_idempotency_ttl_seconds),
                "ORDERS_QUEUE_URL": queue.url,
                "DEAD_LETTER_QUEUE_URL": queue.dead_letter_url,
                **messaging.publishing,
                "EVENT_SOURCE": event_source(scope),
                "MAX_RECEIVE_COUNT": str(config.max_receive_count),
                "RETRY_BASE_SECONDS": str(config.retry_base_seconds),
                "RETRY_CAP_SECONDS": str(config.retry_cap_seconds),
                "BATCH_THREADS": str(config.batch_threads),
                "ITEM_BUDGET_SECONDS": str(config.item_budget_seconds),
                "TIME_MARGIN_SECONDS": str(config.time_margin_seconds),
                **_ordering(config),
            },
            grants=(
                queue.grant("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"),
                queue.grant_dead_letters("SendMessage"),
                data.orders.grant("GetItem", "UpdateItem"),
                data.stock.grant("UpdateItem"),
                data.worker_idempotency.grant(),
                messaging.notifications.grant_publish(),
                *key_grants(scope, "Decrypt", "GenerateDataKey"),
            ),
        ),
    )


def _ordering(config: StackConfig) -> dict[str, str]:
    return {"ORDERS_QUEUE_FIFO": "true"} if config.strict_ordering else {}


def _warm_start(config: StackConfig) -> WarmStart:
    # For the API's functions only: nobody waits for the worker's first batch.
    return WarmStart(
        snapshots=config.api_warm_start == "snap_start",
        ready_instances=config.api_provisioned_concurrency if config.api_warm_start == "provisioned" else 0,
    )
