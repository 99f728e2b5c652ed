"""Sending a dead letter back to where it came from."""

from local.client import LocalStack
from local.demo.account import Account, DeadLetter

# Written by the worker when it dead-letters a message itself; they are about the past.
_REASONS = frozenset({"error_type", "error", "attempt"})


def redrive(stack: LocalStack, account: Account, order_id: str) -> int:
    """Send every dead letter of one order back to the orders queue; how many there were.

    Sent before it is deleted: a crash in between delivers the order twice, which the worker settles once.
    """
    chosen = [letter for letter in account.dead_letters() if letter.order_id == order_id]
    for letter in chosen:
        _send_back(stack, letter)
    return len(chosen)


def _send_back(stack: LocalStack, letter: DeadLetter) -> None:
    attributes = letter.message.get("MessageAttributes", {})
    stack.aws.sqs.send_message(
        QueueUrl=stack.outputs["orders_queue_url"],
        MessageBody=letter.message["Body"],
        MessageAttributes={name: value for name, value in attributes.items() if name not in _REASONS},
    )
    stack.aws.sqs.delete_message(
        QueueUrl=stack.outputs["dead_letter_queue_url"], ReceiptHandle=letter.message["ReceiptHandle"]
    )
