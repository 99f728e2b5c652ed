"""Tests values that must never change: the canonical form of a body, and the ids and keys that are hashes.

If a deployment changed one of them, a retry could make a second order or be answered with 422. So if one of these tests
fails, change the code back, never the test.
"""

import json
from typing import Any

import pytest

from runtime.http.body import parse_json
from runtime.logic import keys
from runtime.logic.canonical import canonical
from tests.unit.api.conftest import Api
from tests.unit.api.factories import document

BODY = (
    '{"currency":"EUR","lines":[{"quantity":2,"sku":"SKU-1","unit_price":"19.90"}],'
    '"reference":"\\u2116 \\"7\\" \\ud83d\\ude00"}'
)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('{"b": 1, "a": [ ]}', '{"a":[],"b":1}'),
        ('{"a": "1.0", "b": "1.00"}', '{"a":"1.0","b":"1.00"}'),
        ('"\\u00e9\\/\\n"', '"\\u00e9/\\n"'),
        ('"é"', '"\\u00e9"'),
        ('{"é": null, "z": true, "Z": false}', '{"Z":false,"z":true,"\\u00e9":null}'),
        (f" {BODY} ", BODY),
    ],
)
def test_the_canonical_form_is_pinned(sent: str, expected: str) -> None:
    # GIVEN
    document = parse_json(sent.encode())

    # WHEN
    written = canonical(document)

    # THEN
    assert written == expected


def test_identities_are_pinned() -> None:
    # GIVEN
    identity = keys.Identity("https://issuer.example", "alice")

    # WHEN
    caller = keys.caller_id(identity)
    derived = (caller, keys.request_key(identity, "key-1"), keys.order_id(caller, "key-1", BODY))

    # THEN
    assert derived == (
        "ca50b4bc232aad6124ffcf970821d608fa442c2074dc9b4afc89dc1a15853fff",
        "3716b470c3a5b13b9e8fc32b58b0b414e04163ccf1fdf816fb0b4eb9a42cca1b",
        "56832ba8-9d61-568e-8700-b688d24b7aa8",
    )


def test_the_anonymous_caller_is_pinned() -> None:
    # GIVEN / WHEN
    caller = keys.caller_id(keys.ANONYMOUS)

    # THEN
    assert caller == "9b20eeb1ffda0c9f8e2ce0dd397e53e0732648be40711d55ff8311bc838a84fc"


def test_two_pairs_of_issuer_and_subject_that_concatenate_to_the_same_text_get_different_ids() -> None:
    # GIVEN
    one, other = keys.Identity("a", "bc"), keys.Identity("ab", "c")

    # WHEN
    derived = {keys.caller_id(one), keys.caller_id(other), keys.request_key(one, "d"), keys.request_key(other, "d")}

    # THEN
    assert len(derived) == 4


def test_the_stored_record_is_pinned(api: Api) -> None:
    # GIVEN
    identity = ("https://issuer.example", "alice")

    # WHEN
    response = api.post(raw=BODY, key="key-1", caller=identity)

    # THEN
    (record,) = api.records()
    assert record["id"]["S"] == "create-order#28b594e2d0f2220841da3ee65196b1629967a6da8c9fc68ea5fc8c2153c9a158"
    assert record["validation"]["S"] == "65e4dae1031a43511388584d4dc6c421355a893c411b3280199da72bd3868931"
    assert json.loads(record["data"]["S"]) == {"body": response["body"]}
    assert response["body"] == (
        '{"order_id":"56832ba8-9d61-568e-8700-b688d24b7aa8","status":"ACCEPTED","tot'
        'al":"39.80","currency":"EUR","accepted_at":"2026-01-31T12:00:01.000Z"}'
    )


def test_an_answer_stored_by_an_earlier_version_is_replayed_unchanged(api: Api) -> None:
    # GIVEN
    api.post()
    (record,) = api.records()
    stored: dict[str, Any] = {"order_id": "an-older-id", "status": "ACCEPTED", "more": [1]}
    api.dynamodb.update_item(
        TableName=api.settings.idempotency_table,
        Key={"id": record["id"]},
        UpdateExpression="SET #data = :data",
        ExpressionAttributeNames={"#data": "data"},
        ExpressionAttributeValues={":data": {"S": json.dumps({"body": json.dumps(stored, indent=1)})}},
    )

    # WHEN
    response = api.post()

    # THEN
    assert response["body"] == json.dumps(stored, indent=1)
    assert document(response) == stored
    assert response["headers"]["Location"] == "orders/an-older-id"
