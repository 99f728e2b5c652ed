"""The one table of the functions: each function's route or queue, environment and permissions.

These are derived from it: outputs, routes, CORS, alarms, dashboard, gradual deployment, and the pages on permissions
and alarms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from components.alarms.model import Ref
from components.component import Scope, Text
from components.function import Function, FunctionArgs, FunctionPlatform, WarmStart
from components.iam import Grant
from components.queue_consumer import QueueConsumer, QueueConsumerArgs
from pipeline.callers import READ, WRITE, caller_environment
from pipeline.config import StackConfig
from pipeline.data import Data
from pipeline.encryption import key_grants
from pipeline.messaging import Messaging, event_source
from pipeline.origin import origin_environment


@dataclass(frozen=True)
class FunctionInputs:
    """The resources and the configuration that the functions use."""

    config: StackConfig
    scope: Scope
    data: Data
    messaging: Messaging

    @property
    def ordering(self) -> dict[str, str]:
        """The environment variable for functions that send to FIFO queues or topics.

        Without strict ordering there is none.
        """
        return {"ORDERS_QUEUE_FIFO": "true"} if self.config.strict_ordering else {}


@dataclass(frozen=True)
class FunctionSpec:
    """Declaration of a function. Memory, timeout and concurrency come from the options of its kind: API or worker.

    Attributes:
        name: Its name, with hyphens. The handler is `runtime.handlers.KEY.handler`; KEY is the
            property `key`.
        description: One line in AWS's console.
        environment: Its variables, in addition to those of its kind and those of all functions.
        grants: Its permissions, in addition to those for its own logs and traces.
    """

    name: str
    description: str
    environment: Callable[[FunctionInputs], Mapping[str, Text]]
    grants: Callable[[FunctionInputs], tuple[Grant, ...]]

    service: ClassVar[str]
    """The dimension `service` of its metrics: one value for all functions of a kind."""

    @property
    def key(self) -> str:
        """Its name in Python and in outputs, such as `create_order`."""
        return self.name.replace("-", "_")

    @property
    def output(self) -> str:
        """Name of the stack output that holds the function's physical name. The alarms' `Ref`s use the same name."""
        return f"{self.key}_function"

    @property
    def ref(self) -> Ref:
        """Return the reference by which alarms name the function."""
        return Ref(self.output)


@dataclass(frozen=True)
class ApiFunction(FunctionSpec):
    """A function that answers a route.

    Attributes:
        method, path: The route.
        access: The access that a token must grant if there is an authorizer: `READ` or `WRITE`.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    access: str

    service: ClassVar[str] = "api"


@dataclass(frozen=True)
class Worker(FunctionSpec):
    """A function that processes the messages of a queue."""

    service: ClassVar[str] = "worker"


API_FUNCTIONS: Final = (
    ApiFunction(
        name="create-order",
        description="POST /orders: sends the order to the queue, stores it, answers 202",
        method="POST",
        path="/orders",
        access=WRITE,
        environment=lambda it: {
            "ORDERS_TABLE": it.data.orders.table_name,
            "ORDERS_QUEUE_URL": it.messaging.queue.url,
            "IDEMPOTENCY_TABLE": it.data.api_idempotency.table_name,
            "IDEMPOTENCY_TTL_SECONDS": str(it.config.api_idempotency_ttl_seconds),
            **it.ordering,
        },
        grants=lambda it: (
            it.data.orders.grant("UpdateItem"),
            it.messaging.queue.grant("SendMessage"),
            it.data.api_idempotency.grant(),
            *key_grants(it.scope, "Decrypt", "GenerateDataKey"),
        ),
    ),
    ApiFunction(
        name="get-order",
        description="GET /orders/{order_id}: answers with the order's status",
        method="GET",
        path="/orders/{order_id}",
        access=READ,
        environment=lambda it: {"ORDERS_TABLE": it.data.orders.table_name},
        grants=lambda it: (it.data.orders.grant("GetItem"), *key_grants(it.scope, "Decrypt")),
    ),
)
PROCESS_ORDER: Final = Worker(
    name="process-order",
    description="Processes the queue: takes stock, settles the order, publishes the outcome",
    environment=lambda it: {
        "ORDERS_TABLE": it.data.orders.table_name,
        "STOCK_TABLE": it.data.stock.table_name,
        "IDEMPOTENCY_TABLE": it.data.worker_idempotency.table_name,
        "IDEMPOTENCY_TTL_SECONDS": str(it.config.worker_idempotency_ttl_seconds),
        "ORDERS_QUEUE_URL": it.messaging.queue.url,
        "DEAD_LETTER_QUEUE_URL": it.messaging.queue.dead_letter_url,
        **it.messaging.publishing,
        "EVENT_SOURCE": event_source(it.scope),
        "MAX_RECEIVE_COUNT": str(it.config.max_receive_count),
        "RETRY_BASE_SECONDS": str(it.config.retry_base_seconds),
        "RETRY_CAP_SECONDS": str(it.config.retry_cap_seconds),
        "BATCH_THREADS": str(it.config.batch_threads),
        "ITEM_BUDGET_SECONDS": str(it.config.item_budget_seconds),
        "TIME_MARGIN_SECONDS": str(it.config.time_margin_seconds),
        **it.ordering,
    },
    grants=lambda it: (
        it.messaging.queue.grant("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"),
        it.messaging.queue.grant_dead_letters("SendMessage"),
        it.data.orders.grant("GetItem", "UpdateItem"),
        it.data.stock.grant("UpdateItem"),
        it.data.worker_idempotency.grant(),
        it.messaging.notifications.grant_publish(),
        *key_grants(it.scope, "Decrypt", "GenerateDataKey"),
    ),
)
FUNCTIONS: Final = (*API_FUNCTIONS, PROCESS_ORDER)

Functions = Mapping[str, Function]
"""The functions of a stack by their names."""


def timeout_of(spec: FunctionSpec, config: StackConfig) -> int:
    """Return the seconds after which Lambda stops an invocation."""
    return config.api_timeout_seconds if isinstance(spec, ApiFunction) else config.worker_timeout_seconds


def build_functions(inputs: FunctionInputs, platform: FunctionPlatform) -> Functions:
    """Create the functions and connect the worker to its queue."""
    functions = {each.name: Function(each.name, inputs.scope, _arguments(each, inputs, platform)) for each in FUNCTIONS}
    config = inputs.config
    QueueConsumer(
        "orders-consumer",
        inputs.scope,
        QueueConsumerArgs(
            queue=inputs.messaging.queue,
            function=functions[PROCESS_ORDER.name],
            batch_size=config.batch_size,
            batch_window_seconds=config.batch_window_seconds,
            maximum_concurrency=config.worker_max_concurrency,
        ),
    )
    return functions


def _arguments(spec: FunctionSpec, inputs: FunctionInputs, platform: FunctionPlatform) -> FunctionArgs:
    config, api = inputs.config, isinstance(spec, ApiFunction)
    # API functions refuse requests that bypass the authorizer or CloudFront.
    guards = {**caller_environment(config), **origin_environment(config)} if api else {}
    return FunctionArgs(
        platform=platform,
        handler=f"runtime.handlers.{spec.key}.handler",
        description=spec.description,
        memory_mb=config.api_memory_mb if api else config.worker_memory_mb,
        timeout_seconds=timeout_of(spec, config),
        reserved_concurrency=config.api_reserved_concurrency if api else config.worker_reserved_concurrency,
        # No caller waits for the worker, so it needs no protection from cold starts.
        warm_start=_warm_start(config) if api else WarmStart(),
        environment={"POWERTOOLS_SERVICE_NAME": spec.service, **spec.environment(inputs), **guards},
        grants=spec.grants(inputs),
    )


def _warm_start(config: StackConfig) -> WarmStart:
    return WarmStart(
        snapshots=config.api_warm_start == "snap_start",
        ready_instances=config.api_provisioned_concurrency if config.api_warm_start == "provisioned" else 0,
    )
