"""A model of SQS and of Lambda's event source mapping, held to real emulators and AWS's documentation."""

from tests.flow.queue_model.fifo import FifoQueue
from tests.flow.queue_model.mapping import Delivery, EventSourceMapping, Failed, Outcome, Returned, failed_ids, run
from tests.flow.queue_model.message import InvalidMessageError, Message
from tests.flow.queue_model.queue import Queue, RedrivePolicy, StaleReceiptError
from tests.flow.queue_model.records import sqs_event, sqs_record

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
