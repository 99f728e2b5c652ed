"""Runs whole commands on moto: failing commands end with a message and an exit code, and change nothing.

The help of every command, and the arguments of all commands in `ARGUMENTS`, are checked here as well.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import NoCredentialsError
from moto import mock_aws

from lab.simulation.fakes.errors import client_error
from ops.cli.main import main, parser
from tests.ops.factories import DECISION
from tests.ops.test_target import outputs

REGION = "eu-west-1"


@pytest.fixture
def sqs() -> Iterator[Any]:
    """The SQS client of an account on moto."""
    with mock_aws():
        yield boto3.client("sqs", region_name=REGION)


def make_stack(sqs: Any, folder: Path, **overrides: Any) -> str:
    """Create a queue with its dead-letter queue, and return the path of the stack's outputs."""
    dead = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    source = sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    path = folder / "stack.json"
    urls = {"orders_queue_url": source, "dead_letter_queue_url": dead}
    path.write_text(json.dumps(outputs(**{**urls, **overrides})))
    return str(path)


def test_queues_that_do_not_belong_together_are_refused(sqs: Any, tmp_path: Path, capsys: Any) -> None:
    # GIVEN outputs that name another stack's dead-letter queue, which has a message
    other_queue = sqs.create_queue(QueueName="theirs")["QueueUrl"]
    sqs.send_message(QueueUrl=other_queue, MessageBody="{}")
    path = make_stack(sqs, tmp_path, dead_letter_queue_url=other_queue)
    # WHEN this queue is to be redriven
    code = main(["dlq", "redrive", *DECISION, "--outputs", path, "--yes"])
    # THEN the command refuses before it receives a message
    shown = sqs.get_queue_attributes(QueueUrl=other_queue, AttributeNames=["All"])["Attributes"]
    assert code == 3
    assert "is not the dead-letter queue of" in capsys.readouterr().err
    assert shown["ApproximateNumberOfMessages"] == "1"


def test_a_dead_letter_queue_with_a_redrive_policy_is_not_read(sqs: Any, tmp_path: Path, capsys: Any) -> None:
    # GIVEN a dead-letter queue that has a redrive policy itself
    path = make_stack(sqs, tmp_path)
    dead = json.loads(Path(path).read_text())["dead_letter_queue_url"]
    end = sqs.create_queue(QueueName="end")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=end, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedrivePolicy": policy})
    # WHEN its messages are to be listed
    code = main(["dlq", "list", "--outputs", path])
    # THEN the command refuses, because SQS could move a message that the command receives
    assert code == 3
    assert "may then move the message to another queue" in capsys.readouterr().err


def test_credentials_of_another_account_change_nothing(sqs: Any, tmp_path: Path, capsys: Any) -> None:
    # GIVEN a stack in one account, and credentials of another account. Without a check, the command
    # could change a table of the same name in the account of the credentials
    arn = "arn:aws:sns:eu-west-1:999999999999:orders-prod-notifications"
    path = make_stack(sqs, tmp_path, notifications_topic_arn=arn)
    # WHEN stock is to be changed
    code = main(["stock", "set", "SKU-1", "1", "--expect", "2", "--outputs", path, "--yes"])
    # THEN the command refuses and names both accounts
    message = capsys.readouterr().err
    assert code == 4
    assert "123456789012" in message
    assert "999999999999" in message


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (client_error("GetCallerIdentity", "ExpiredToken", "expired"), 4, "have expired"),
        (client_error("GetCallerIdentity", "InvalidClientTokenId", "unknown"), 4, "AWS rejects these credentials"),
        (client_error("ReceiveMessage", "AccessDenied", "no"), 4, "may not call ReceiveMessage"),
        (
            client_error("GetQueueAttributes", "AWS.SimpleQueueService.NonExistentQueue", "gone"),
            3,
            "destroyed or renamed",
        ),
        (client_error("ReceiveMessage", "RequestThrottled", "slow"), 1, "RequestThrottled"),
        (NoCredentialsError(), 4, "No usable AWS credentials"),
    ],
)
def test_an_error_of_aws_is_explained(
    error: Exception, code: int, expected: str, sqs: Any, tmp_path: Path, capsys: Any
) -> None:
    # GIVEN a stack, and calls to AWS that all fail with the same error
    path = make_stack(sqs, tmp_path)
    with patch.object(BaseClient, "_make_api_call", side_effect=error):
        # WHEN dead letters are to be redriven
        got = main(["dlq", "redrive", *DECISION, "--outputs", path, "--yes"])
    # THEN the message explains the error
    assert got == code
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["dlq", "redrive", *DECISION, "--rate", "0"],
        ["dlq", "redrive", *DECISION, "--rate", "nan"],
        ["dlq", "list", "--where", "nonsense"],
        ["dlq", "discard", "x", "--by", " ", "--reason", "r"],
        ["dlq", "discard", *DECISION],
        ["dlq", "discard", "x", "--where", "state=failed", *DECISION],
        ["orders", "open", "--older-than", "soon"],
        ["orders", "resend"],
        ["status", "--since", "0s"],
        ["stock", "add", "SKU-1", "0"],
        ["stock", "get", "no sku!"],
    ],
)
def test_invalid_arguments_end_with_exit_code_2(arguments: list[str], sqs: Any, tmp_path: Path, capsys: Any) -> None:
    # GIVEN a stack
    path = make_stack(sqs, tmp_path)
    # WHEN a command gets an invalid value, lacks an argument, or gets two arguments that exclude each other
    code = main([*arguments, "--outputs", path])
    # THEN the exit code is that of wrong usage
    assert code == 2
    assert "error:" in capsys.readouterr().err


def levels(root: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the command line itself, its groups and its commands, each with its parser."""
    yield path, root
    for action in root._actions:
        if isinstance(action.choices, dict):
            for name, below in action.choices.items():
                yield from levels(below, (*path, name))


LEVELS = dict(levels(parser()))


@pytest.mark.parametrize("path", list(LEVELS), ids=" ".join)
def test_the_help_of_every_command_has_an_example_and_says_what_is_next(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a command or a group of commands
    level = LEVELS[path]
    monkeypatch.setenv("COLUMNS", "80")
    # WHEN its help is shown
    text = level.format_help()
    # THEN the help says what to do next, and its example begins with this command
    assert "what next:" in text
    example = next(line for line in level.epilog.splitlines() if line.startswith("  python -m ops "))
    assert tuple(example.split()[3 : 3 + len(path)]) == path
    # AND each line below the usage fits 80 columns, except examples: each is one line, so that people can copy it
    below = text.partition("\n\n")[2].splitlines()
    assert [line for line in below if len(line) > 80 and not line.startswith("  python -m ops ")] == []


# The arguments of every command except `preflight` and `cost`, without --json, --stack, --outputs, --local and
# --state-dir. `DECISION` stands for `--by* --reason*`. The marks mean:
# - `!`: a flag;
# - `*`: a required option;
# - `...`: many values;
# - `?`: an optional value. If an option is given without its value, it has the value after `?|`;
# - `=`: the default follows;
# - `:`: the type follows, or the choices with `|` between them.
ARGUMENTS = """
status: --since=1h --watch?|15s
errors: --since=1h
audit: --cut-off=15m --since=1d --no-logs! --limit:int=20
logs: --order --function --error?| --since=15m --limit:int=200 --traces! --follow!
dlq list: --where... --limit:int=50
dlq show: id
dlq redrive: --yes! --where... DECISION --rate:float=100.0
dlq discard: --yes! id? --where... DECISION
dlq history: --since=30d
order trace: id --since=24h --no-logs! --traces!
order replay-events: --yes! ids...
order repair: --yes! id --expect
orders open: --older-than=15m --limit:int=50
orders resend: --yes! ids... --older-than
events replay: --yes! --since* --until=0s --status:CONFIRMED|REJECTED --to* --rate:float=50 DECISION
worker pause: --yes! DECISION
worker resume: --yes!
stock get: sku
stock add: --yes! sku count:int --new!
stock set: --yes! sku count:int --expect*
page: --yes! --tier=page:page|notify|ticket --test!
mute list:
mute on: --yes! --for* --alarm DECISION
mute off: --yes!
deploy shift: --yes! --again! --ignore-alarms!
deploy rollback: --yes! --to...
deploy prune: --yes! --keep=5
smoke: --yes! --confirm --token --timeout=2m
load: --yes! --orders=100 --rate=10.0 --clients=50 --sku... --spend-at-most=1 --within --in-production! --token
"""


def shape(action: argparse.Action) -> str:
    """Describe an option or argument, with the marks of `ARGUMENTS`."""
    kind = getattr(action.type, "__name__", "")
    many = {"0": "!", "?": "?", "+": "...", "*": "..."}.get(str(action.nargs), "")
    parts = [
        "/".join(action.option_strings) or action.dest,
        "*" if action.required and action.option_strings else "",
        f":{kind}" if kind in {"int", "float"} else "",
        "..." if isinstance(action.default, list) else many,
        f"|{action.const}" if action.nargs == "?" and action.option_strings else "",
        f"={action.default}" if action.default not in (None, False, []) else "",
        f":{'|'.join(action.choices)}" if action.choices else "",
    ]
    return "".join(parts)


def test_no_argument_that_scripts_use_has_changed() -> None:
    # GIVEN
    everywhere = "--json! --stack --outputs --local! --state-dir"
    commands = {path: level for path, level in LEVELS.items() if level.get_default("run")}

    # WHEN
    declared = {path: " ".join(map(shape, level._actions[1:])) for path, level in commands.items()}

    # THEN
    assert [each for each in declared.values() if everywhere not in each] == []
    lines = [f"{' '.join(path)}: {' '.join(each.replace(everywhere, '').split())}" for path, each in declared.items()]
    assert [each.strip() for each in lines] == ARGUMENTS.replace("DECISION", "--by* --reason*").strip().splitlines()
