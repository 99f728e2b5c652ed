"""What the committed stacks promise, so that a choice that was undone is told by its name."""

import pytest

from lab.recording.recording import PROJECT, read_stack_file

# Stack, option, value, and what the stack does because of it.
PROMISES = [
    ("prod", "environment", "production", "is under the rules of production"),
    ("prod", "authorizer", "cognito", "knows its callers"),
    ("prod", "gradual_deploy", "Canary10Percent5Minutes", "shifts gradually"),
    ("dev", "environment", "development", "is free of the rules of production"),
]


@pytest.mark.parametrize(("stack", "option", "value", "promise"), PROMISES)
def test_a_stack_keeps_what_it_promises(stack: str, option: str, value: str, promise: str) -> None:
    # GIVEN / WHEN
    given = read_stack_file(stack).get(f"{PROJECT}:{option}", "not set")

    # THEN
    assert given == value, f"{stack} no longer {promise}: Pulumi.{stack}.yaml has {option} {given}, it was {value}"
