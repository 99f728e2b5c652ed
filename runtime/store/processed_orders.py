"""Which orders are processed or in progress: the worker's idempotency records (Powertools)."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyItemNotFoundError,
    IdempotencyPersistenceLayerError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS

from runtime.logic.failures import RetryableError
from runtime.store.dependency import error_code

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

KEY_PREFIX: Final = "process-order"
"""Part of every record's id. Without it Powertools uses the function's name, and a rename forgets every order."""


class InProgressError(RetryableError):
    """Another run of this order has a lease that still holds."""


class RecordError(RetryableError):
    """The order's record could not be written; a lease of ours may have stayed behind."""


P = ParamSpec("P")
R = TypeVar("R")


class ProcessedOrders:
    """One record per order id. It is never the message id: a redriven message has a new one."""

    def __init__(self, client: "DynamoDBClient", table_name: str, ttl_seconds: int) -> None:
        self._layer = DynamoDBPersistenceLayer(table_name=table_name, boto3_client=client)
        self._config = IdempotencyConfig(expires_after_seconds=ttl_seconds, hash_function="sha256")
        # Here, in one thread: Powertools configures at the first call, flags itself configured before it is, and a
        # second thread would hash its key with the default function.
        self._layer.configure(self._config, key_prefix=KEY_PREFIX)

    def register(self, context: "LambdaContext") -> None:
        """Tell of each invocation: a record in progress then ends with it, instead of with its whole life."""
        self._config.register_lambda_context(context)

    def once_per_order(self, function: Callable[P, R]) -> Callable[P, R]:
        """`function`, run once per keyword argument `order_id`; later calls return the first result.

        What it raises is raised, and the next call runs it again. The result must be a non-empty, JSON-safe dict.
        The returned function raises `InProgressError` and `RecordError` of its own.
        """
        decorated: Callable[P, R] = idempotent_function(
            function,
            data_keyword_argument="order_id",
            persistence_store=self._layer,
            config=self._config,
            key_prefix=KEY_PREFIX,
        )

        @functools.wraps(function)
        def once(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return decorated(*args, **kwargs)
            except IdempotencyAlreadyInProgressError as error:
                raise InProgressError("Another run of this order is in progress.") from error
            except IdempotencyPersistenceLayerError as error:
                cause = error_code(error.__cause__ or error)
                raise RecordError(f"The idempotency record was not written: {cause}") from error

        return once

    def in_progress_until(self, order_id: str) -> int | None:
        """When the lease of the run in progress ends or ended (epoch milliseconds); `None` if none is in progress.

        A run that was killed leaves its record in progress; one that failed or succeeded does not.
        """
        # The type stub says dict; the layer is keyed on the whole of its data, which is the order id.
        data: Any = order_id
        try:
            record = self._layer.get_record(data)
        except IdempotencyItemNotFoundError:
            return None
        if record is None or record.status != STATUS_CONSTANTS["INPROGRESS"]:
            return None
        return int(record.in_progress_expiry_timestamp or 0)
