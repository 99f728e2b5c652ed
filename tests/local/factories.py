"""Makes values for tests: outputs, resources and their Pulumi inputs, fault rules, and ports."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pulumi

from local.deploy.monitor import Deployed
from local.instance import Outputs
from local.proxy.faults import FaultKind, FaultRule


def outputs(**of_the_stack: str) -> Outputs:
    return Outputs(
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        account_id="000000000000",
        proxy_url="http://127.0.0.1:2",
        api_url="http://127.0.0.1:1/api",
        **of_the_stack,
    )


def queue_inputs(**overrides: Any) -> dict[str, Any]:
    return {"name": "orders", "visibilityTimeoutSeconds": 60, "tags": {"Project": "orders"}, **overrides}


def function_inputs(**overrides: Any) -> dict[str, Any]:
    return {
        "name": "greet",
        "role": "arn:aws:iam::000000000000:role/greet",
        "handler": "app.handler",
        "runtime": "python3.13",
        "code": pulumi.AssetArchive({"app.py": pulumi.StringAsset(HELLO)}),
        "publish": True,
        **overrides,
    }


HELLO = "def handler(event, context):\n    return {'hello': event.get('name', 'nobody')}\n"


def rule(**overrides: Any) -> FaultRule:
    return FaultRule(**{"service": "sqs", "operation": "SendMessage", "kind": FaultKind.ERROR, **overrides})


def deployed(type_: str, name: str, id_: str, **state: Any) -> Deployed:
    return Deployed(f"urn:pulumi:local::orders::{type_}::{name}", type_, name, id_, state)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
