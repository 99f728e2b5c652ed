"""The AWS provider's calls for the recorded resources of a stack, from provider_calls.toml."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from lab.permissions.template import ACCOUNT, REGION
from lab.recording.fake_outputs import arn, outputs_of
from lab.recording.recording import Recorded, Recording

PATH: Final = Path(__file__).with_suffix(".toml")
KINDS: Final = ("seen", "read")
# The tables of the file that are about calls. The other tables are about types of resources.
_OF_CALLS: Final = ("everywhere", "unnarrowed", "untagged", "tags-ignored")
# Calls that create the resource, may create it, or tag it while it is created. The resource then has no tags yet, and
# the request contains the tags.
_MAKES: Final = re.compile(r":(Create|Request|Put(MetricAlarm|CompositeAlarm|Rule)$|(Add)?Tag)")
_ONLY_MAKES: Final = re.compile(r":(Create|Request)")


@dataclass(frozen=True)
class Request:
    """One call for one resource, in IAM's terms.

    Attributes:
        type: Pulumi's type of the resource, `aws:sqs/queue:Queue`.
        name: The resource's logical name.
        action: IAM's name of the call, `sqs:CreateQueue`.
        resource: The ARN that the call acts on, or `*`.
        makes: Whether the call creates the resource, or tags it while it is created.
        context: Condition keys of the request.
    """

    type: str
    name: str
    action: str
    resource: str
    makes: bool = False
    context: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.type} {self.name}: {self.action} on {self.resource}{' (new)' if self.makes else ''}"


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """Return the entries for types of resources. The key is Pulumi's type, as in `Request.type`."""
    return {name: entry for name, entry in _file().items() if name not in _OF_CALLS}


def everywhere() -> Mapping[str, str]:
    """Return the calls that must be allowed on `*`, each with the page of AWS's documentation that says why."""
    return _file()["everywhere"]


def unnarrowed(*, tagged: bool) -> Mapping[str, str]:
    """Return the deploy role's calls that AWS cannot restrict to one stack, each with the reason.

    The role may make these calls on other stacks' resources too. If `tagged` is
    false, also return the calls that it may make on resources without tags.
    """
    return _file()["unnarrowed"] if tagged else {**_file()["unnarrowed"], **_file()["untagged"]}


@cache
def _file() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def requests(recording: Recording, boundary: str) -> Iterator[Request]:
    """Yield every call for every recorded resource. `boundary` is the permissions boundary of the stack's roles.

    Raises `LookupError` for a type that has no entry.
    """
    resources = [each for each in recording.resources if each.custom]
    tags, aliases = _tags(resources), _aliases(resources)
    for each in resources:
        for request in _of_resource(each, boundary):
            on = request.resource
            known = {"kms:ResourceAliases": aliases[on]} if on in aliases else {}
            if request.action not in _file()["tags-ignored"]:
                known |= {f"aws:ResourceTag/{name}": value for name, value in tags.get(on, {}).items()}
            own = on in {"*", _tagged(each)}
            if own and _MAKES.search(request.action):
                sent = {f"aws:RequestTag/{name}": value for name, value in each.inputs.get("tags", {}).items()}
                yield _with(request, sent, makes=True)
            if not (own and _ONLY_MAKES.search(request.action)):
                yield _with(request, known, makes=False)


def _with(request: Request, context: Mapping[str, str], *, makes: bool) -> Request:
    both = {**request.context, **context}
    return Request(request.type, request.name, request.action, request.resource, makes=makes, context=both)


def _of_resource(each: Recorded, boundary: str) -> Iterator[Request]:
    entry, names = _entry(each.type), _names(each, boundary)
    context = {key: value.format_map(names) for key, value in entry.get("given", {}).items()}
    for kind in KINDS:
        for acted_on, actions in entry.get(kind, {}).items():
            # A table without a customer's key has no `kmsKeyArn`.
            if acted_on != "{kmsKeyArn}" or "kmsKeyArn" in names:
                for action in actions:
                    yield Request(each.type, each.name, action, acted_on.format_map(names), context=context)


def _entry(resource_type: str) -> Mapping[str, Any]:
    if resource_type not in table():
        message = f"no entry for {resource_type}; add the provider's calls and their sources to {PATH.name}"
        raise LookupError(message)
    return table()[resource_type]


def _tagged(each: Recorded) -> str | None:
    """Return the ARN that has the resource's tags, if the type supports tags."""
    own = _entry(each.type).get("tagged")
    return own.format_map(_names(each, "")) if own else None


def _tags(resources: Iterable[Recorded]) -> dict[str | None, Mapping[str, str]]:
    return {_tagged(each): each.inputs["tags"] for each in resources if "tags" in each.inputs}


def _aliases(resources: Iterable[Recorded]) -> dict[str, str]:
    made = [each for each in resources if each.type == "aws:kms/alias:Alias"]
    return {arn("kms", f"key/{each.inputs['targetKeyId']}"): each.inputs["name"] for each in made}


def _names(each: Recorded, boundary: str) -> dict[str, str]:
    state = outputs_of(each.type, each.name, each.inputs)
    names = {key: str(value) for key, value in {**each.inputs, **state}.items()}
    if "queueUrl" in names:
        names["queueArn"] = arn("sqs", names["queueUrl"].rpartition("/")[2])
    if "kmsKeyArn" in each.inputs.get("serverSideEncryption", {}):
        names["kmsKeyArn"] = each.inputs["serverSideEncryption"]["kmsKeyArn"]
    return {**names, "region": REGION, "account": ACCOUNT, "boundary": boundary}
