"""The work that all endpoints share: correlation id, metrics, and an answer to every error."""

import traceback
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from runtime.http.origin import OriginGuard
from runtime.http.problems import OUTCOME_UNKNOWN, ProblemError
from runtime.http.request import Request, parse_event
from runtime.http.responses import CORRELATION_HEADER, Response, problem_response
from runtime.logic.failures import DependencyError, ProcessingError, describe
from runtime.metric import MetricName
from runtime.observability import logger, metrics


def answer(event: object, route: Callable[[Request], Response], guard: OriginGuard) -> Response:
    """Check the request with `guard`, then answer it with `route`. An error of either becomes a problem document.

    Never raises, because API Gateway would answer an unhandled error with a bare 500, which is no help to a client.
    """
    request = parse_event(event)
    logger.set_correlation_id(request.correlation_id)
    try:
        guard.check(request)
        response = route(request)
    except ProblemError as problem:
        logger.info("refused", extra={"status": problem.kind.status, "problem": problem.kind.name})
        response = problem_response(problem)
    except DependencyError as error:
        response = problem_response(dependency_failed(error))
    except Exception as error:  # noqa: BLE001 - outermost handler: the client gets an answer to every error
        response = problem_response(unexpected(error))
    response["headers"][CORRELATION_HEADER] = request.correlation_id
    return response


def dependency_failed(error: DependencyError, order_id: str | None = None) -> ProblemError:
    """Log and count the failure of a service; return the problem `outcome-unknown`."""
    count(MetricName.DEPENDENCY_FAILURE)
    logger.warning("dependency failed", extra={"operation": error.operation, "code": error.code, "order_id": order_id})
    return _unknown(order_id)


def unexpected(error: Exception, order_id: str | None = None) -> ProblemError:
    """Log and count an unexpected error; return the same problem as for a failed service.

    The log line has the file, line and function of each frame. It has the error's text only for a
    `ProcessingError`.
    """
    count(MetricName.DEPENDENCY_FAILURE)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    # The text of a library's error may quote what the client sent.
    text = describe(error).error if isinstance(error, ProcessingError) else None
    logger.error(
        "unexpected error",
        extra={"error_type": type(error).__name__, "error": text, "places": places, "order_id": order_id},
    )
    return _unknown(order_id)


def count(metric: MetricName) -> None:
    """Add one to the metric."""
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)


def flush_metrics() -> None:
    """Write the metrics of this invocation, if there are any."""
    if metrics.metric_set:
        metrics.flush_metrics()


def _unknown(order_id: str | None) -> ProblemError:
    return ProblemError(
        OUTCOME_UNKNOWN,
        "The outcome is unknown. Repeat the request (a POST with the same Idempotency-Key and body): that is safe.",
        order_id=order_id,
    )


LambdaEvent = dict[str, Any]
