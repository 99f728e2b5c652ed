"""What the AWS provider asks of AWS for the recorded resources of a stack: provider_calls.toml, names put in."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from lab.permissions.template import ACCOUNT, REGION
from lab.recording.fake_outputs import arn, outputs_of
from lab.recording.recording import Recorded, Recording

PATH: Final = Path(__file__).with_suffix(".toml")
KINDS: Final = ("seen", "read")


@dataclass(frozen=True)
class Request:
    """One call for one resource, as IAM sees it.

    Attributes:
        type: Pulumi's type of the resource, `aws:sqs/queue:Queue`.
        name: The resource's logical name.
        action: IAM's name of the call, `sqs:CreateQueue`.
        resource: The ARN that it acts on, or `*`.
        context: Condition keys of the request.
    """

    type: str
    name: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.type} {self.name}: {self.action} on {self.resource}"


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """The entries by Pulumi's type of resource."""
    return {name: entry for name, entry in _file().items() if name != "everywhere"}


@cache
def everywhere() -> Mapping[str, str]:
    """The calls that have to be allowed on `*`, with where AWS says so."""
    return dict(_file()["everywhere"])


@cache
def _file() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def requests(recording: Recording, boundary: str) -> Iterator[Request]:
    """Every call for every recorded resource; `boundary` bounds its roles.

    Raises `LookupError` for a type that has no entry.
    """
    for each in recording.resources:
        if each.custom:
            yield from _of_resource(each, boundary)


def _of_resource(each: Recorded, boundary: str) -> Iterator[Request]:
    if each.type not in table():
        message = f"given a resource {each.type}; add to {PATH.name} what the provider calls for it, seen or read where"
        raise LookupError(message)
    entry = table()[each.type]
    names = _names(each, boundary)
    context = {key: value.format_map(names) for key, value in entry.get("given", {}).items()}
    for kind in KINDS:
        for acted_on, actions in entry.get(kind, {}).items():
            for action in actions:
                yield Request(each.type, each.name, action, acted_on.format_map(names), context)


def _names(each: Recorded, boundary: str) -> dict[str, str]:
    state = outputs_of(each.type, each.name, each.inputs)
    names = {key: str(value) for key, value in {**each.inputs, **state}.items()}
    if "queueUrl" in names:
        names["queueArn"] = arn("sqs", names["queueUrl"].rpartition("/")[2])
    return {**names, "region": REGION, "account": ACCOUNT, "boundary": boundary}
