"""A client of AWS that builds and signs requests without an SDK: the benchmark's lower limit (`floor`).

It uses only the standard library. JSON answers are parsed; the XML answers of SNS are not. Do not
use this module elsewhere: it has no retries and no checks of requests or answers, and takes
credentials only from the environment.
"""

import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlencode

_TARGETS = {"dynamodb": ("DynamoDB_20120810", "1.0"), "sqs": ("AmazonSQS", "1.0")}


class Client:
    """Client of one AWS service."""

    def __init__(self, service: str) -> None:
        self._service, self._region = service, os.environ["AWS_REGION"]
        self._connection = HTTPSConnection(f"{service}.{self._region}.amazonaws.com")

    def call(self, operation: str, params: dict[str, Any], send: Callable[[dict[str, str], bytes], bytes]) -> Any:
        """Sign a request and pass it to `send` instead of AWS. Return the answer, parsed if the answer is JSON."""
        if self._service in _TARGETS:
            prefix, version = _TARGETS[self._service]
            headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": f"{prefix}.{operation}"}
            return json.loads(send(self._signed(headers, body := json.dumps(params).encode()), body))
        form = {"Action": operation, "Version": "2010-03-31", **dict(_flat("", params))}
        body = urlencode(form).encode()
        return send(self._signed({"content-type": "application/x-www-form-urlencoded"}, body), body)

    def _signed(self, headers: dict[str, str], body: bytes) -> dict[str, str]:
        """Return the headers with a Signature Version 4."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers |= {"host": self._connection.host, "x-amz-date": now}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{now[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        name, signature = os.environ["AWS_ACCESS_KEY_ID"], hmac.digest(key, text.encode(), "sha256").hex()
        authorization = f"AWS4-HMAC-SHA256 Credential={name}/{scope}, SignedHeaders={names}, Signature={signature}"
        return headers | {"authorization": authorization}


def _flat(at: str, value: Any) -> list[tuple[str, str]]:
    """Return the form fields of one parameter in SNS's query protocol: `at` is its name, `value` its value.

    A structure or map becomes several fields.
    """
    if not isinstance(value, dict):
        return [(at, str(value))]
    if at == "MessageAttributes":
        pairs = [pair for each in enumerate(value.items(), 1) for pair in _entry(at, *each)]
        return [found for name, inner in pairs for found in _flat(name, inner)]
    return [found for name, inner in value.items() for found in _flat(f"{at}.{name}".lstrip("."), inner)]


def _entry(at: str, number: int, item: tuple[str, Any]) -> list[tuple[str, Any]]:
    return [(f"{at}.entry.{number}.Name", item[0]), (f"{at}.entry.{number}.Value", item[1])]
