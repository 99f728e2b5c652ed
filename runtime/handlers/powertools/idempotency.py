"""Idempotency by Powertools: each key has one answer in the API, each order is settled once in the worker."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyItemNotFoundError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import STATUS_CONSTANTS

from runtime.logic.failures import DependencyError, InProgressError, RecordError
from runtime.store.dependency import error_code

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

ANSWERS_PREFIX: Final = "create-order"
PROCESSED_PREFIX: Final = "process-order"
"""The ids of the API's and the worker's records begin with these prefixes. Without a prefix, Powertools would use the
function's name, and all records would be lost when the function is renamed."""


def _config(ttl_seconds: int, **options: Any) -> IdempotencyConfig:
    return IdempotencyConfig(
        expires_after_seconds=ttl_seconds,
        hash_function="sha256",
        # Powertools calls this hook for stored results only, so the hook marks replays.
        response_hook=lambda result, _record: {**result, "replayed": True},
        **options,
    )


class Answer(NamedTuple):
    """The first answer to a key: its exact `body`, and whether it is sent as a replay."""

    body: str
    replayed: bool


class KeyReusedError(Exception):
    """The key was used with another payload."""


class ApiIdempotency:
    """The idempotency table of the API."""

    def __init__(self, client: "DynamoDBClient", table_name: str, ttl_seconds: int) -> None:
        self._config = _config(
            ttl_seconds,
            event_key_jmespath="key",
            payload_validation_jmespath="payload",
            raise_on_no_idempotency_key=True,
        )
        self._run: Callable[..., dict[str, Any]] = idempotent_function(
            _run,
            data_keyword_argument="request",
            persistence_store=DynamoDBPersistenceLayer(table_name=table_name, boto3_client=client),
            config=self._config,
            key_prefix=ANSWERS_PREFIX,
        )

    def register(self, context: "LambdaContext") -> None:
        """Register the invocation. The lease of its run then ends at the invocation's deadline at the latest.

        If an unregistered run is killed, its lease lasts until its record expires.
        """
        self._config.register_lambda_context(context)

    def once(self, *, key: str, payload: str, operation: Callable[[], str]) -> Answer:
        """Return the result of the first successful `operation` under `key`.

        An error of `operation` is raised and not stored: the next attempt runs `operation` again.
        Raises `InProgressError` if an attempt with the same `key` and `payload` is in progress, `KeyReusedError` if one
        with another `payload` has succeeded or is in progress, and `DependencyError` if the table cannot be used.
        """
        try:
            kept = self._run(request={"key": key, "payload": payload}, operation=operation)
        except IdempotencyAlreadyInProgressError as error:
            raise InProgressError from error
        except IdempotencyValidationError as error:
            raise KeyReusedError from error
        except IdempotencyInconsistentStateError as error:
            raise DependencyError("idempotency", type(error).__name__) from error
        except IdempotencyPersistenceLayerError as error:
            raise DependencyError("idempotency", error_code(error.__cause__ or error)) from error
        return Answer(body=kept["body"], replayed="replayed" in kept)


def _run(*, request: dict[str, str], operation: Callable[[], str]) -> dict[str, str]:
    # The result is a non-empty dict, because Powertools replays an empty result as None. The body is text, so its bytes
    # never change.
    del request
    return {"body": operation()}


class WorkerIdempotency:
    """One record per order id. The key is never the message id, because a redriven message has a new id."""

    def __init__(self, client: "DynamoDBClient", table_name: str, ttl_seconds: int) -> None:
        self._layer = DynamoDBPersistenceLayer(table_name=table_name, boto3_client=client)
        self._config = _config(ttl_seconds)
        # The layer is configured here, in one thread. Otherwise the first call would configure the layer. Powertools
        # sets the flag `configured` before the hash function, so a second thread could hash its key with the default
        # function.
        self._layer.configure(self._config, key_prefix=PROCESSED_PREFIX)

    def register(self, context: "LambdaContext") -> None:
        """Register the invocation. The leases of its runs then end at the invocation's deadline at the latest.

        If an unregistered run is killed, its lease lasts until its record expires.
        """
        self._config.register_lambda_context(context)

    def once_per_order(self, function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """See the protocol: `runtime.logic.protocols.WorkerIdempotency`."""
        decorated: Callable[..., dict[str, Any]] = idempotent_function(
            function,
            data_keyword_argument="order_id",
            persistence_store=self._layer,
            config=self._config,
            key_prefix=PROCESSED_PREFIX,
        )

        @functools.wraps(function)
        def once(**arguments: Any) -> dict[str, Any]:
            try:
                return decorated(**arguments)
            except IdempotencyAlreadyInProgressError as error:
                raise InProgressError("Another run of this order is in progress.") from error
            except IdempotencyPersistenceLayerError as error:
                cause = error_code(error.__cause__ or error)
                raise RecordError(f"The idempotency record was not written: {cause}") from error

        return once

    def in_progress_until(self, order_id: str) -> int | None:
        """Return the end of the lease of the run in progress (epoch milliseconds); `None` if no run is in progress.

        A run that was killed, or that could not write to the table, leaves its record in progress.
        """
        # The type stub expects a dict, but the persistence layer hashes data of any type, here the order id.
        data: Any = order_id
        try:
            record = self._layer.get_record(data)
        except IdempotencyItemNotFoundError:
            return None
        if record is None or record.status != STATUS_CONSTANTS["INPROGRESS"]:
            return None
        return int(record.in_progress_expiry_timestamp or 0)
