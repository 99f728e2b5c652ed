"""An HTTPS subscriber: it receives SNS's requests and handles each event once.

Call `Subscriber.receive` from any web framework. This example needs the package `cryptography`.
"""

import base64
import json
import re
import sqlite3
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import load_pem_x509_certificate

# Certificates and confirmation links are read from SNS's own hosts only.
_OF_SNS = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class RefusedError(Exception):
    """Means that a request is not from the topic: answer 403."""


def fetch(url: str) -> bytes:
    """Return the body of the answer from an address of SNS."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - `_of_sns` allows https only
        return bytes(answer.read())


class Subscriber:
    """Handles the events of one topic. `handle` writes an event's effect into `database`."""

    def __init__(
        self,
        topic_arn: str,
        database: sqlite3.Connection,
        handle: Callable[[sqlite3.Connection, Mapping[str, Any]], None],
        fetch: Callable[[str], bytes] = fetch,
    ) -> None:
        self._topic, self._database, self._handle, self._fetch = topic_arn, database, handle, fetch
        self._keys: dict[str, RSAPublicKey] = {}
        database.execute("CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY)")

    def receive(self, body: bytes) -> None:
        """Handle the body of one request of SNS.

        Answer 200 when this method returns. Answer 403 when it raises `RefusedError`: the request is not from the
        topic. Answer 500 after any other error: SNS sends the request again.
        """
        try:
            message = json.loads(body)
            kind, topic, signed = message["Type"], message["TopicArn"], self._signed(message)
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedError("not a message of SNS") from error
        if topic != self._topic:
            raise RefusedError("a message of another topic")
        self._verify(message, signed)
        if kind == "SubscriptionConfirmation":
            self._fetch(_of_sns(message["SubscribeURL"]))
        elif kind == "Notification":
            self._once(json.loads(message["Message"]))

    def _once(self, event: Mapping[str, Any]) -> None:
        # One transaction: it stores both the event's id and its effect, or neither.
        with self._database:
            new = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (event["id"],)).rowcount
            if new:
                self._handle(self._database, event)

    def _signed(self, message: Mapping[str, Any]) -> bytes:
        names = [name for name in _SIGNED[message["Type"]] if name in message]
        return "".join(f"{name}\n{message[name]}\n" for name in names).encode()

    def _verify(self, message: Mapping[str, Any], signed: bytes) -> None:
        algorithm = {"1": SHA1, "2": SHA256}.get(str(message.get("SignatureVersion")))
        if algorithm is None:
            raise RefusedError("an unknown signature version")
        url = _of_sns(str(message.get("SigningCertURL")))
        if url not in self._keys:
            key = load_pem_x509_certificate(self._fetch(url)).public_key()
            if not isinstance(key, RSAPublicKey):
                raise RefusedError("not a key of SNS")
            self._keys[url] = key
        try:
            self._keys[url].verify(base64.b64decode(str(message.get("Signature"))), signed, PKCS1v15(), algorithm())
        except (InvalidSignature, ValueError) as error:
            raise RefusedError("the signature does not match") from error


def _of_sns(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not _OF_SNS.fullmatch(parts.netloc):
        raise RefusedError("not an address of SNS")
    return url
