"""What a FIFO queue or topic wants to know beside the message."""

import uuid
from typing import TypedDict


class Ordered(TypedDict, total=False):
    """The two parameters of SendMessage and Publish; neither where order is not kept."""

    MessageGroupId: str
    MessageDeduplicationId: str


def in_group(group: str) -> Ordered:
    """The next message of `group`, under an id of its own.

    Within five minutes SQS takes a second send under the same id for done and delivers nothing. An id made for each
    call lets success mean "sent", also for whoever sends an order again on purpose; the SDK's own retries of the call
    still share it. The worker knows an order that comes twice, for longer than those five minutes.
    """
    return {"MessageGroupId": group, "MessageDeduplicationId": str(uuid.uuid4())}
