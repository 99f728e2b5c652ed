"""One answer per key: the first one is kept and given again (Powertools idempotency)."""

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
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)

from runtime.store.dependency import DependencyError, error_code

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

KEY_PREFIX: Final = "create-order"
"""Part of every record's id. Without it Powertools uses the function's name, and a rename forgets every key."""


class Answer(NamedTuple):
    """`body` is exactly what the first answer was; `replayed` says that this is not the first."""

    body: str
    replayed: bool


class InProgressError(Exception):
    """The first attempt with this key is still running."""


class KeyReusedError(Exception):
    """The key was used with another payload."""


class FirstAnswers:
    """The idempotency table of the API."""

    def __init__(self, client: "DynamoDBClient", table_name: str, ttl_seconds: int) -> None:
        self._config = IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="payload",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=ttl_seconds,
            hash_function="sha256",
            # Called for a stored answer only: this is how a replay is told from a first answer.
            response_hook=lambda answer, _record: {**answer, "replayed": True},
        )
        self._run: Callable[..., dict[str, Any]] = idempotent_function(
            _run,
            data_keyword_argument="request",
            persistence_store=DynamoDBPersistenceLayer(table_name=table_name, boto3_client=client),
            config=self._config,
            key_prefix=KEY_PREFIX,
        )

    def register(self, context: "LambdaContext") -> None:
        """Tell of each invocation: a record in progress then ends with it, instead of blocking its key for a day."""
        self._config.register_lambda_context(context)

    def once(self, *, key: str, payload: str, operation: Callable[[], str]) -> Answer:
        """Return what `operation` returned the first time it succeeded under `key`.

        Whatever `operation` raises is raised and not kept: the next attempt runs it again.
        Raises `InProgressError`, `KeyReusedError` when `payload` is not the first one's, and `DependencyError`.
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
    # A non-empty dict: Powertools replays empty answers as None. The body is text, so that it stays the same bytes.
    del request
    return {"body": operation()}
