"""Tests the example subscriber: it handles each event of its topic once, and refuses everything else. Also tests that
the schemas describe the events."""

import base64
import json
import runpy
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from jsonschema import Draft202012Validator

from lab.docs.events import path_of
from local.instance import ROOT
from runtime.logic.event import event_for
from runtime.models.order import OptionalFields
from tests.unit.worker.factories import order_id, stored

EXAMPLE = runpy.run_path(str(ROOT / "docs" / "examples" / "subscriber.py"))
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders-dev-notifications"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
CONFIRM_URL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
REJECTION = {"status": "REJECTED", "reason": {"code": "OUT_OF_STOCK", "skus": ["SKU-1"]}}
OPTIONAL = {name: field.examples[0] for name, field in OptionalFields.model_fields.items() if field.examples}

Sign = Callable[..., bytes]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def sign(key: rsa.RSAPrivateKey) -> Sign:
    """Return a function that signs a message as SNS does, and then changes the fields in `forged`."""

    def signed(version: str = "2", forged: Mapping[str, Any] | None = None, **fields: str) -> bytes:
        message = {"Type": "Notification", "MessageId": "m-1", "TopicArn": TOPIC, "Timestamp": "now", **fields}
        names = sorted(name for name in message if name not in ("SigningCertURL", "SignatureVersion"))
        text = "".join(f"{name}\n{message[name]}\n" for name in names).encode()
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - SNS's older version
        signature = key.sign(text, PKCS1v15(), algorithm)
        proof = {"SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}
        return json.dumps({**message, "SigningCertURL": CERTIFICATE_URL, **proof, **(forged or {})}).encode()

    return signed


class ExampleSubscriber:
    """The example subscriber, with its effects and the addresses that it fetched."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.fetched: list[str] = []
        self.failing = False
        self.database = sqlite3.connect(":memory:")
        self.database.execute("CREATE TABLE effects (order_id TEXT)")
        name, now = x509.Name([]), datetime.now(UTC)
        built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        self._certificate = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.receive = EXAMPLE["Subscriber"](TOPIC, self.database, self._handle, self._fetch).receive

    def _handle(self, database: sqlite3.Connection, event: Mapping[str, Any]) -> None:
        database.execute("INSERT INTO effects VALUES (?)", (event["subject"],))
        if self.failing:
            raise ConnectionError

    def _fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        return self._certificate

    @property
    def effects(self) -> list[str]:
        """Return the ids of the orders whose events had an effect."""
        return [row[0] for row in self.database.execute("SELECT order_id FROM effects")]


@pytest.fixture
def world(key: rsa.RSAPrivateKey) -> Any:
    world = ExampleSubscriber(key)
    yield world
    world.database.close()


def event(number: int = 1, **fields: Any) -> str:
    return event_for(stored(number, **fields), source="/orders-dev").document


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_event_that_is_delivered_again_has_one_effect(world: ExampleSubscriber, sign: Sign, version: str) -> None:
    # GIVEN / WHEN one order's event is delivered three times, and another order's event once
    for number, message_id in ((1, "a"), (1, "b"), (2, "c"), (1, "a")):
        world.receive(sign(version, Message=event(number), MessageId=message_id))

    # THEN each event has one effect, and the certificate is fetched once
    assert world.effects == [order_id(1), order_id(2)]
    assert world.fetched == [CERTIFICATE_URL]


def test_an_event_whose_handler_fails_is_handled_at_its_next_delivery(world: ExampleSubscriber, sign: Sign) -> None:
    # GIVEN a handler that fails after its write
    world.failing = True
    with pytest.raises(ConnectionError):
        world.receive(sign(Message=event()))
    assert world.effects == []

    # WHEN the handler works again, and the event is delivered again
    world.failing = False
    world.receive(sign(Message=event()))

    # THEN the event has its effect
    assert world.effects == [order_id(1)]


def test_a_subscription_is_confirmed_only_at_an_address_of_sns(world: ExampleSubscriber, sign: Sign) -> None:
    # GIVEN two confirmations: the first has an address of SNS, the second has another address
    fields = {"Type": "SubscriptionConfirmation", "Message": "…", "Token": "t"}

    # WHEN
    world.receive(sign(**fields, SubscribeURL=CONFIRM_URL))
    with pytest.raises(EXAMPLE["RefusedError"]):
        world.receive(sign(**fields, SubscribeURL="https://sns.eu-west-1.amazonaws.com.example.com/"))

    # THEN
    assert world.fetched == [CERTIFICATE_URL, CONFIRM_URL]


@pytest.mark.parametrize(
    "forged",
    [
        {"Message": event(9)},
        {"Signature": "AAAA"},
        {"Signature": None},
        {"SignatureVersion": "3"},
        {"TopicArn": TOPIC.replace("orders", "others")},
        {"Type": "Surprise"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/x.pem"},
        {"SigningCertURL": "https://example.com/sns.eu-west-1.amazonaws.com/x.pem"},
        {"SigningCertURL": 7},
    ],
)
def test_a_forged_message_has_no_effect(world: ExampleSubscriber, sign: Sign, forged: Mapping[str, Any]) -> None:
    # GIVEN / WHEN
    with pytest.raises(EXAMPLE["RefusedError"]):
        world.receive(sign(Message=event(), forged=forged))

    # THEN
    assert world.effects == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"Type": "Notification"}', b"\xff"])
def test_an_invalid_message_is_refused(world: ExampleSubscriber, body: bytes) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(EXAMPLE["RefusedError"]):
        world.receive(body)


@pytest.mark.parametrize("more", [{}, REJECTION], ids=["confirmed", "rejected"])
def test_events_are_valid_for_the_schemas_and_the_cloudevents_sdk(more: dict[str, Any]) -> None:
    # GIVEN the event of an order with all optional fields
    assert set(OPTIONAL) == set(OptionalFields.model_fields)
    document = event(**more, **OPTIONAL)

    # WHEN it is read
    read = JSONFormat().read(None, document)
    data = read.get_data()
    assert isinstance(data, dict)
    schema = json.loads(path_of(read.get_type()).read_text())

    # THEN the data is valid, the schema describes every member, and data without a required member is invalid
    validator = Draft202012Validator(schema)
    assert validator.is_valid(data)
    assert set(data) == set(schema["properties"])
    assert not any(validator.is_valid({k: v for k, v in data.items() if k != name}) for name in schema["required"])
