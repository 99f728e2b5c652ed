"""A model of SQS and of Lambda's event source mapping. Tests compare the model with emulators and with AWS's
documentation."""

from lab.simulation.queue_model.fifo import FifoQueue
from lab.simulation.queue_model.mapping import (
    Delivery,
    EventSourceMapping,
    Failed,
    Outcome,
    Returned,
    failed_ids,
    run,
    sqs_event,
    sqs_record,
)
from lab.simulation.queue_model.message import InvalidMessageError, Message
from lab.simulation.queue_model.queue import Queue, RedrivePolicy, StaleReceiptError

__all__ = [
    "Delivery",
    "EventSourceMapping",
    "Failed",
    "FifoQueue",
    "InvalidMessageError",
    "Message",
    "Outcome",
    "Queue",
    "RedrivePolicy",
    "Returned",
    "StaleReceiptError",
    "failed_ids",
    "run",
    "sqs_event",
    "sqs_record",
]
