"""Requests to SQS: receives, visibility, receive counts, the redrive policy, message ids and attributes."""

from __future__ import annotations

from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.flow.conformance.backends import Backend
from tests.flow.conformance.scenario import code_of, registry

GUIDE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
API = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
VISIBILITY = GUIDE + "sqs-visibility-timeout.html"
DEAD_LETTERS = GUIDE + "sqs-dead-letter-queues.html"
METADATA = GUIDE + "sqs-message-metadata.html"
FIFO = GUIDE + "using-messagededuplicationid-property.html"
HANDLES = API + "API_DeleteMessage.html"

SCENARIOS, scenario = registry()
COUNT = "ApproximateReceiveCount"


def receive(backend: Backend, url: str, **more: Any) -> list[Any]:
    """Receive messages with all attributes."""
    answer: Any = backend.sqs.receive_message(
        QueueUrl=url,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
        **{"MaxNumberOfMessages": 10, **more},
    )
    return answer.get("Messages", [])  # type: ignore[no-any-return]  # both kinds of client return plain dicts


def make_visible(backend: Backend, url: str, message: Any) -> None:
    """Make a received message visible again immediately."""
    backend.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)


@scenario(expected=(1, 0, "1"), docs=VISIBILITY)
def a_received_message_is_hidden(backend: Backend) -> Any:
    url = backend.queue()
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    first, second = receive(backend, url), receive(backend, url)
    counts = backend.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    return len(first), len(second), counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"]


@scenario(expected=["1", "2", "3"], docs=METADATA)
def each_receive_increases_the_count(backend: Backend) -> Any:
    url = backend.queue()
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    seen = []
    for _ in range(3):
        (message,) = receive(backend, url)
        seen.append(message["Attributes"][COUNT])
        make_visible(backend, url, message)
    return seen


@scenario(expected=(0, "2", True), docs=VISIBILITY)
def a_message_visible_again_has_a_new_handle(backend: Backend) -> Any:
    url = backend.queue(visibility=1)
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(backend, url)
    hidden = receive(backend, url)
    backend.wait(1.3)
    (second,) = receive(backend, url)
    return len(hidden), second["Attributes"][COUNT], first["ReceiptHandle"] != second["ReceiptHandle"]


@scenario(expected=(0, 1), docs=API + "API_ChangeMessageVisibility.html")
def a_changed_visibility_counts_from_the_change(backend: Backend) -> Any:
    # The new timeout is longer than the queue's. The worker needs this: its pause before a retry can exceed the queue's
    # timeout. The result is the same if a busy machine delays one step by a second.
    url = backend.queue(visibility=2)
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(backend, url)
    backend.wait(0.5)
    backend.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=4)
    backend.wait(2.2)
    hidden = receive(backend, url)
    backend.wait(2.1)
    return len(hidden), len(receive(backend, url))


@scenario(expected=(["1", "2", "3"], 0, [("same id", "same body")]), docs=DEAD_LETTERS)
def the_redrive_policy_moves_a_message_after_exactly_max_receives(backend: Backend) -> Any:
    dead = backend.queue()
    url = backend.queue(dead_letters=dead, max_receives=3)
    sent = backend.sqs.send_message(QueueUrl=url, MessageBody="poison")
    seen = []
    for _ in range(3):
        (message,) = receive(backend, url)
        seen.append(message["Attributes"][COUNT])
        make_visible(backend, url, message)
    fourth = receive(backend, url)
    moved = [
        (
            "same id" if one["MessageId"] == sent["MessageId"] else "new id",
            "same body" if one["Body"] == "poison" else "",
        )
        for one in receive(backend, dead)
    ]
    return seen, len(fourth), moved


@scenario(expected=(True, True), docs=DEAD_LETTERS)
def the_move_keeps_send_time_and_attributes(backend: Backend) -> Any:
    dead = backend.queue()
    url = backend.queue(dead_letters=dead, max_receives=1)
    attributes: Any = {"order_id": {"DataType": "String", "StringValue": "o-1"}}
    backend.sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    (first,) = receive(backend, url)
    backend.wait(0.05)
    make_visible(backend, url, first)
    receive(backend, url)
    (moved,) = receive(backend, dead)
    return moved["Attributes"]["SentTimestamp"] == first["Attributes"]["SentTimestamp"], moved[
        "MessageAttributes"
    ] == attributes


@scenario(expected=True, docs=METADATA)
def a_moved_message_names_its_source(backend: Backend) -> Any:
    dead = backend.queue()
    url = backend.queue(dead_letters=dead, max_receives=1)
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(backend, url)
    make_visible(backend, url, message)
    receive(backend, url)
    (moved,) = receive(backend, dead)
    arn = backend.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return moved["Attributes"].get("DeadLetterQueueSourceArn") == arn


@scenario(expected=[1, 1], docs=DEAD_LETTERS)
def a_newer_message_is_received_while_the_older_one_is_dead_lettered(backend: Backend) -> Any:
    dead = backend.queue()
    url = backend.queue(dead_letters=dead, max_receives=1)
    backend.sqs.send_message(QueueUrl=url, MessageBody="old")
    (old,) = receive(backend, url)
    make_visible(backend, url, old)
    backend.sqs.send_message(QueueUrl=url, MessageBody="new")
    return [sum(one["Body"] == "new" for one in receive(backend, url)), len(receive(backend, dead))]


@scenario(expected=(True, "1"), docs=API + "API_StartMessageMoveTask.html")
def a_message_sent_again_has_a_new_id_and_count(backend: Backend) -> Any:
    url = backend.queue()
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(backend, url)
    backend.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    backend.sqs.send_message(QueueUrl=url, MessageBody=first["Body"])
    (second,) = receive(backend, url)
    return first["MessageId"] != second["MessageId"], second["Attributes"][COUNT]


@scenario(expected="ok", docs=HANDLES)
def an_old_handle_is_accepted(backend: Backend) -> Any:
    # AWS leaves open whether the message is deleted ("might not be deleted"). The model keeps the message, because that
    # is the worse case.
    url = backend.queue()
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(backend, url)
    make_visible(backend, url, first)
    receive(backend, url)
    return code_of(partial(backend.sqs.delete_message, QueueUrl=url, ReceiptHandle=first["ReceiptHandle"]))


@scenario(expected=["ok", "ok"], docs=HANDLES)
def a_message_can_be_deleted_twice(backend: Backend) -> Any:
    url = backend.queue()
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(backend, url)
    delete = partial(backend.sqs.delete_message, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [code_of(delete), code_of(delete)]


@scenario(expected="refused", docs=API + "API_ChangeMessageVisibility.html")
def the_visibility_of_a_deleted_message_cannot_change(backend: Backend) -> Any:
    url = backend.queue()
    backend.sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = receive(backend, url)
    backend.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    # The error code depends on the protocol of the request. The program treats all codes alike.
    return "ok" if code_of(partial(make_visible, backend, url, message)) == "ok" else "refused"


ATTRIBUTES: Any = {
    "order_id": {"DataType": "String", "StringValue": "o-1"},
    "schema_version": {"DataType": "Number", "StringValue": "1"},
    "blob": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
}


@scenario(expected=(True, "e19f133f7258e327bb3db3889be33fc9", True), docs=METADATA)
def attributes_arrive_with_their_digests(backend: Backend) -> Any:
    url = backend.queue()
    sent = backend.sqs.send_message(QueueUrl=url, MessageBody="é", MessageAttributes=ATTRIBUTES)
    (message,) = receive(backend, url)
    return (
        message["MessageAttributes"] == ATTRIBUTES,
        sent["MD5OfMessageAttributes"],
        sent["MD5OfMessageBody"] == message["MD5OfBody"],
    )


@scenario(expected=("ok", "InvalidParameterValue"), docs=METADATA)
def more_than_ten_attributes_are_refused(backend: Backend) -> Any:
    url = backend.queue()
    codes = []
    for count in (10, 11):
        attributes: Any = {f"a{number}": {"DataType": "String", "StringValue": "x"} for number in range(count)}
        send = partial(backend.sqs.send_message, QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
        codes.append(code_of(send))
    return tuple(codes)


@scenario(expected=("InvalidParameterValue", "NonExistentQueue"), docs=API + "API_SendMessage.html")
def bad_sends_are_refused(backend: Backend) -> Any:
    url = backend.queue()
    empty: Any = {"a": {"DataType": "String", "StringValue": ""}}
    send = partial(backend.sqs.send_message, MessageBody="x")
    return code_of(partial(send, QueueUrl=url, MessageAttributes=empty)), code_of(partial(send, QueueUrl=url + "-no"))


@scenario(expected=(["a", "b"], ["bad"], 2), docs=API + "API_SendMessageBatch.html")
def only_bad_batch_entries_fail(backend: Backend) -> Any:
    url = backend.queue()
    bad: Any = {"x": {"DataType": "Nonsense", "StringValue": "x"}}
    entries: Any = [
        {"Id": "a", "MessageBody": "1"},
        {"Id": "bad", "MessageBody": "2", "MessageAttributes": bad},
        {"Id": "b", "MessageBody": "3"},
    ]
    try:
        answer: Any = backend.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    except ClientError as error:
        return error.response["Error"]["Code"]
    received = receive(backend, url)
    backend.sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(received)],
    )
    ids = [[entry["Id"] for entry in answer.get(name, [])] for name in ("Successful", "Failed")]
    return ids[0], ids[1], len(received)


@scenario(expected=["g", "g", None], docs=GUIDE + "sqs-fair-queues.html")
def a_standard_queue_keeps_the_group_id_of_a_message(backend: Backend) -> Any:
    dead = backend.queue()
    url = backend.queue(visibility=0, dead_letters=dead, max_receives=1)
    groups = []
    backend.sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g")
    for place in (url, url, dead):
        groups += [message["Attributes"].get("MessageGroupId") for message in receive(backend, place)]
    backend.sqs.send_message(QueueUrl=url, MessageBody="y")
    return groups + [message["Attributes"].get("MessageGroupId") for message in receive(backend, url)]


@scenario(expected="InvalidParameterValue", docs=API + "API_SendMessage.html")
def a_standard_queue_refuses_a_deduplication_id(backend: Backend) -> Any:
    send = partial(backend.sqs.send_message, QueueUrl=backend.queue(), MessageBody="x", MessageGroupId="g")
    return code_of(lambda: send(MessageDeduplicationId="a"))


@scenario(expected=("same id", ["1", "2"]), docs=FIFO)
def fifo_stores_no_message_with_a_known_deduplication_id(backend: Backend) -> Any:
    url = backend.fifo_queue()
    send = partial(backend.sqs.send_message, QueueUrl=url, MessageGroupId="g")
    first = send(MessageBody="1", MessageDeduplicationId="a")
    (message,) = receive(backend, url)
    backend.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    again = send(MessageBody="1", MessageDeduplicationId="a")
    send(MessageBody="2", MessageDeduplicationId="b")
    bodies = [message["Body"], *(one["Body"] for one in receive(backend, url))]
    return "same id" if again["MessageId"] == first["MessageId"] else "new id", bodies


@scenario(expected=[["1"], ["x"], []], docs=GUIDE + "FIFO-queues-understanding-logic.html")
def fifo_blocks_a_group_with_a_message_in_flight(backend: Backend) -> Any:
    url = backend.fifo_queue()
    for body, group in (("1", "g"), ("2", "g"), ("x", "other")):
        backend.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body)
    return [[one["Body"] for one in receive(backend, url, MaxNumberOfMessages=1)] for _ in range(3)]
