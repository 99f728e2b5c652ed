"""A resource that a test creates on the emulator, to test the handler of this type of resource."""

import json
from typing import Any

from local.deploy.resources import create, parse
from local.services.aws import Aws
from local.services.registry import HANDLERS

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sns:Publish", "Resource": "*"}]}
)


class Made:
    """A resource that was created on the emulator. `change` and `delete` call its handler as an
    engine does."""

    def __init__(self, aws: Aws, kind: str, logical_name: str, /, **inputs: Any) -> None:
        self.aws = aws
        self.handler = next(each for token, each in HANDLERS.items() if token.endswith(f":{kind}"))
        self.inputs = inputs
        made = create(aws, self.handler.pulumi_type, logical_name, inputs)
        self.id = made.id
        self.state = made.outputs

    def change(self, **inputs: Any) -> Any:
        assert set(inputs) <= self.handler.updatable
        old = parse(self.handler, self.id, self.inputs)
        self.inputs = {**self.inputs, **inputs}
        return self.handler.update(self.aws, self.id, old, parse(self.handler, self.id, self.inputs))

    def delete(self) -> None:
        self.handler.delete(self.aws, self.id, parse(self.handler, self.id, self.inputs))
