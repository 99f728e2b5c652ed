"""The most likely mistakes in this program, each with the test that must notice it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.flow.sabotage.checks import Check, crash_points, test
from tests.flow.sabotage.rewrite import Rewrite

UPSERT = "runtime.store.settlement:SettlementStore._upsert"
NEW_OR_OPEN = "attribute_not_exists(#status) OR #status IN"
RETRIES = "tests/flow/test_retries.py"
PROCESSOR = "runtime.logic.processing:OrderProcessor"
TOGETHER = "tests/unit/worker/test_worker_together.py"
GROUP = "runtime.logic.together:Together"
CONFIRM = "runtime.store.settlement:SettlementStore.confirm"


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A mistake, as changes of source code, and the test that must notice it."""

    name: str
    caught_by: Check
    changes: tuple[Rewrite, ...]


INTAKE = (
    Sabotage(
        "the order is stored before its message is sent",
        crash_points("create_order", "first call, no retries"),
        (
            Rewrite("runtime.logic.accept:Acceptance.accept", "    self.queue.send(message)\n", ""),
            Rewrite(
                "runtime.logic.accept:Acceptance.accept",
                "    accepted_at = self.orders.upsert_accepted(message)\n",
                "    accepted_at = self.orders.upsert_accepted(message)\n    self.queue.send(message)\n",
            ),
        ),
    ),
    Sabotage(
        "the API overwrites attributes that are already stored",
        crash_points("create_order", "overtaken by the worker"),
        (
            Rewrite(
                "runtime.store.order_intake:OrderIntake._upsert",
                'f"#{name} = if_not_exists(#{name}, :{name})"',
                'f"#{name} = :{name}"',
            ),
        ),
    ),
    Sabotage(
        "the API does not register the Lambda context",
        crash_points("create_order", "first call"),
        (
            Rewrite(
                "runtime.handlers.powertools.idempotency:ApiIdempotency.register",
                "self._config.register_lambda_context(context)",
                "pass",
            ),
        ),
    ),
    Sabotage(
        "a 5xx is returned from inside the idempotent function",
        crash_points("create_order", "first call"),
        (
            Rewrite(
                "runtime.handlers.powertools.idempotency:_run",
                '    return {"body": operation()}',
                "    try:\n"
                '        return {"body": operation()}\n'
                "    except Exception:\n"
                '        return {"body": \'{"order_id": "unknown", "status": 503}\'}',
            ),
            Rewrite(
                "runtime.handlers.create_order:_accepted",
                "return json_response(202, answer.body, headers)",
                'return json_response(503 if "503}" in answer.body else 202, answer.body, headers)',
            ),
        ),
    ),
    Sabotage(
        "the caller is left out of the idempotency key",
        crash_points("create_order", "other caller, same key"),
        (
            Rewrite(
                "runtime.logic.keys:request_key",
                "_json_list(identity.issuer, identity.subject, key)",
                "_json_list(key)",
            ),
        ),
    ),
    Sabotage(
        "the caller is left out of the order id",
        crash_points("create_order", "other caller, same key"),
        (Rewrite("runtime.logic.keys:order_id", "_json_list(caller, key, ", "_json_list(key, "),),
    ),
    Sabotage(
        "the order id is random",
        crash_points("create_order", "first call"),
        (Rewrite("runtime.logic.keys:order_id", "uuid.uuid5(_ORDERS_NAMESPACE, ", "uuid.uuid5(uuid.uuid4(), "),),
    ),
    Sabotage(
        "a replay is not marked as a replay",
        crash_points("create_order", "replay"),
        (
            Rewrite(
                "runtime.handlers.create_order:_accepted",
                "    if answer.replayed:\n",
                "    if False:\n",
            ),
        ),
    ),
    Sabotage(
        "the answer has the time of the latest attempt, not of the first",
        crash_points("create_order", "killed after the send, processed"),
        (
            Rewrite(
                "runtime.logic.accept:Acceptance.accept",
                "accepted_at = self.orders.upsert_accepted(message)",
                "accepted_at = self.orders.upsert_accepted(message) and message.accepted_at",
            ),
        ),
    ),
)
WORKER = (
    Sabotage(
        "the idempotency key is the message id",
        test(RETRIES, "test_an_order_is_processed_once_however_many_messages_it_has"),
        (
            Rewrite(
                f"{PROCESSOR}._attempt",
                "self._settle_and_publish(message, invocation)",
                "self._settle_and_publish((message, delivery.message_id), invocation)",
            ),
            Rewrite(
                f"{PROCESSOR}._settle_and_publish",
                "    result = self._finish_once(",
                "    message, message_id = message\n    result = self._finish_once(",
            ),
            Rewrite(f"{PROCESSOR}._settle_and_publish", "order_id=message.order_id", "order_id=message_id"),
        ),
    ),
    Sabotage(
        "the worker does not register the Lambda context",
        crash_points("process_order", "first receive"),
        (
            Rewrite(
                "runtime.handlers.powertools.idempotency:WorkerIdempotency.register",
                "self._config.register_lambda_context(context)",
                "pass",
            ),
        ),
    ),
    Sabotage(
        "the event is published before the transaction",
        crash_points("process_order", "out of stock"),
        (
            Rewrite(
                f"{PROCESSOR}._finish",
                "    written = self.settler.settle(",
                "    from runtime.models.order import StoredOrder\n"
                "    early = StoredOrder(**{**message.model_dump(), 'status': OrderStatus.CONFIRMED,\n"
                "        'settled_at': message.accepted_at})\n"
                "    self.notifications.publish(event_for(early, source=self.settings.event_source))\n"
                "    written = self.settler.settle(",
            ),
        ),
    ),
    Sabotage(
        "the event's time changes with each attempt",
        crash_points("process_order", "first receive"),
        (
            Rewrite(
                f"{PROCESSOR}._finish",
                "event_for(order, source",
                "event_for(order.model_copy(update={'settled_at': str(invocation.remaining_seconds())"
                " + str(self.random())}), source",
            ),
        ),
    ),
    Sabotage(
        "a newer schema version counts as a permanent error",
        crash_points("process_order", "retryable: newer schema"),
        (
            Rewrite(
                "runtime.logic.message:_refuse_newer",
                "        raise NewerSchemaError(\n",
                "        raise PermanentError(ORDER_ID_MISMATCH, error=\n",
            ),
        ),
    ),
    Sabotage(
        "the worker tries to reject a final order if stock is short",
        test(RETRIES, "test_a_settled_order_never_gets_another_outcome"),
        (
            Rewrite(
                "runtime.logic.cancelled_transaction:judge",
                "    if order.code == CONDITION_FAILED:\n        return AlreadyFinal()\n",
                "    if order.code == CONDITION_FAILED and all(one.code == NONE for one in stock):\n"
                "        return AlreadyFinal()\n",
            ),
            Rewrite(
                "runtime.logic.cancelled_transaction:judge", "if order.code != NONE:", "if order.code in TRANSIENT:"
            ),
        ),
    ),
    Sabotage(
        "the worker updates an order row but never creates one",
        crash_points("process_order", "order not stored by the API, no retries"),
        (
            Rewrite(
                UPSERT,
                NEW_OR_OPEN,
                "#status IN",
            ),
        ),
    ),
    Sabotage(
        "an outcome may be overwritten",
        crash_points("process_order", "confirmed, not published"),
        (
            Rewrite(
                UPSERT,
                NEW_OR_OPEN,
                "attribute_not_exists(nothing) OR #status IN",
            ),
        ),
    ),
    Sabotage(
        "stock is taken without the condition that enough is left",
        crash_points("process_order", "batch: two orders for the last units"),
        (
            Rewrite(
                "runtime.store.settlement:SettlementStore._take",
                '"#available >= :quantity"',
                '"attribute_exists(#available)"',
            ),
        ),
    ),
)
FAILED_ATTEMPTS = (
    Sabotage(
        "a message is deleted though its dead letter was not sent",
        crash_points("process_order", "permanent: not JSON"),
        (
            Rewrite(
                f"{PROCESSOR}._dead_letter",
                "    self.dead_letters.send(delivery, **described._asdict())\n",
                "    try:\n"
                "        self.dead_letters.send(delivery, **described._asdict())\n"
                "    except Exception:\n"
                "        self.source.delete(delivery)\n",
            ),
        ),
    ),
    Sabotage(
        "the batch response does not report a failed attempt",
        crash_points("process_order", "first receive"),
        (Rewrite(f"{PROCESSOR}.process", "        raise\n", "        return\n"),),
    ),
    Sabotage(
        "the backoff has no cap",
        test(RETRIES, "test_pauses_grow_to_the_cap_and_no_further"),
        (
            Rewrite(
                "runtime.logic.backoff:retry_delay",
                "min(cap, base * _doubled(receive_count), MAX_VISIBILITY_SECONDS)",
                "min(base * _doubled(receive_count), MAX_VISIBILITY_SECONDS)",
            ),
        ),
    ),
    Sabotage(
        "the order is not marked FAILED before its last attempt starts",
        crash_points("process_order", "last attempt"),
        (Rewrite(f"{PROCESSOR}._mark_last_attempt", "if self._is_last(delivery):", "if False:"),),
    ),
    Sabotage(
        "the order is marked FAILED neither before nor after its last attempt",
        crash_points("process_order", "last attempt: topic down"),
        (
            Rewrite(f"{PROCESSOR}._return_to_queue", "    if last:\n", "    if False:\n"),
            Rewrite(f"{PROCESSOR}._mark_last_attempt", "if self._is_last(delivery):", "if False:"),
        ),
    ),
    Sabotage(
        "after a transaction's first conflict, the message returns to the queue",
        test(RETRIES, "test_transaction_conflicts_are_retried_within_one_receive"),
        (Rewrite("runtime.logic.settle:Settler.settle", "if self.clock.monotonic() + pause > deadline:", "if True:"),),
    ),
)
GROUPS = (
    Sabotage(
        "a transaction of several orders does not check that each order is still open",
        crash_points("process_order", "group: one article"),
        (
            Rewrite(
                CONFIRM,
                "    try:\n",
                "    for item in items[: len(orders) if len(orders) > 1 else 0]:\n"
                "        del item['Update']['ConditionExpression']\n"
                "        values = item['Update']['ExpressionAttributeValues']\n"
                "        for name in [name for name in values if name.startswith(':open')]:\n"
                "            del values[name]\n"
                "    try:\n",
            ),
        ),
    ),
    Sabotage(
        "one transaction contains an order twice",
        test(TOGETHER, "test_no_order_is_in_two_transactions_and_no_transaction_has_too_many_items"),
        (Rewrite(f"{GROUP}._groups", "order.order_id: order", "id(order): order"),),
    ),
    Sabotage(
        "a shortage rejects every order of the transaction",
        crash_points("process_order", "batch: two orders for the last units"),
        (
            Rewrite(
                f"{GROUP}._settle",
                "self._remember_short_stock(group, cancelled)",
                "from runtime.models.order import Reason, ReasonCode\n"
                "                reason = Reason(code=ReasonCode.OUT_OF_STOCK)\n"
                "                [self.store.reject(order, reason, settled_at=settled_at) for order in group]",
            ),
        ),
    ),
    Sabotage(
        "a transaction of several orders takes only the last order's quantity, not the sum",
        crash_points("process_order", "group: one article"),
        (Rewrite("runtime.models.order:quantities", "sums[line.sku] += ", "sums[line.sku] = "),),
    ),
    Sabotage(
        "a transaction has more items than AWS allows",
        test(TOGETHER, "test_no_order_is_in_two_transactions_and_no_transaction_has_too_many_items"),
        (Rewrite(f"{GROUP}._groups", "> MOST_ITEMS", "> 2 * MOST_ITEMS"),),
    ),
    Sabotage(
        "after a transaction's first conflict, its orders are settled one by one",
        test(TOGETHER, "test_the_whole_group_is_tried_again_after_a_conflict"),
        (Rewrite(f"{GROUP}._settle", "if not cancelled.only_busy():", "if True:"),),
    ),
)
SABOTAGES = (*INTAKE, *WORKER, *FAILED_ATTEMPTS, *GROUPS)
