"""Makes AWS answer "in part": in pages of one item, or with refused entries."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from botocore import xform_name
from botocore.client import BaseClient
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

_OURS: Final = "in-part-"
_LEFT_OUT: Final = re.compile(r"Failed|FailedEntryCount|Unprocessed\w+|rejectedLogEventsInfo")
_TOKEN: Final = re.compile(r"(?i)next(continuation)?(token|marker)|LastEvaluated\w+")
_TOKEN_OF_INPUT: Final = re.compile(r"(?i)nexttoken|continuationtoken|marker|ExclusiveStart\w+")
# The services that the tools call.
_SERVICES: Final = (
    *("cloudwatch", "codedeploy", "dynamodb", "events", "iam", "lambda"),
    *("logs", "s3", "sns", "sqs", "sts"),
)
_POINTS: Final = ("Timestamps", "Values")


def token_of(operation: OperationModel) -> tuple[str, str] | None:
    """Return the members with the page token in the request and in the answer; None for an operation without pages."""
    request, answer = (shape.members if shape else {} for shape in (operation.input_shape, operation.output_shape))
    # IAM's token is `Marker` in the request and in the answer. In S3's answers, `ContinuationToken` repeats the
    # request's token, and `NextContinuationToken` is the token of the next page.
    same = "Marker" if "Marker" in request and "IsTruncated" in answer else None
    token_in = same or next(filter(_TOKEN_OF_INPUT.fullmatch, request), None)
    token_out = same or next(filter(_TOKEN.fullmatch, answer), None)
    return (token_in, token_out) if token_in and token_out else None


def left_out_of(operation: OperationModel) -> str | None:
    """Return the name of the answer's member that lists or counts refused entries; `None` if there is none."""
    return next(filter(_LEFT_OUT.fullmatch, operation.output_shape.members if operation.output_shape else ()), None)


def called_operations_with_partial_answers(folder: Path) -> set[str]:
    """Return the operations with partial answers that the code in a folder calls, directly or through paginators."""
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                names.add(node.func.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    models = [ServiceModel(Loader().load_service_model(name, "service-2")) for name in _SERVICES]
    operations = [model.operation_model(name) for model in models for name in model.operation_names]
    return {
        name
        for each in operations
        if (name := xform_name(each.name)) in names and (token_of(each) or left_out_of(each))
    }


class InPart:
    """AWS's answers in pages: first an empty page, then pages of one item. One operation can refuse an entry.

    Args:
        refused: The operation that refuses the first entry of a call.
        times: The number of calls in which it refuses the entry.
        after: The number of calls before the first refusal.

    Attributes:
        paged: Operations whose pages were read up to the second item or further.
        stale: Number of reads by GetItem and by BatchGetItem that are not strongly consistent.
    """

    def __init__(self, refused: str = "", times: float = 0, after: int = 0) -> None:
        self._refused, self._times, self._after = refused, times, after
        self.paged: set[str] = set()
        self.stale: Counter[str] = Counter()

    @contextmanager
    def answering(self) -> Iterator[InPart]:
        """Give answers in pages, or with refused entries, to every client of this process."""
        real: Any = vars(BaseClient)["_make_api_call"]

        def call(client: Any, operation: str, parameters: Any) -> Any:
            model: OperationModel = client.meta.service_model.operation_model(operation)
            self._note_stale(model, parameters)
            if xform_name(operation) == self._refused and self._is_due():
                return _refuse(lambda given: real(client, operation, given), model, parameters)
            tokens = token_of(model)
            if tokens is None:
                return real(client, operation, parameters)
            token_in, token_out = tokens
            whole = real(client, operation, {name: value for name, value in parameters.items() if name != token_in})
            return self._page(model, whole, parameters.get(token_in), token_out)

        with patch.object(BaseClient, "_make_api_call", call):
            yield self

    def _page(self, operation: OperationModel, whole: dict[str, Any], token: Any, token_out: str) -> dict[str, Any]:
        assert token is None or token.startswith(_OURS), "the token is not from an earlier page"
        assert token_out not in whole, f"{operation.name} already answers in pages: use fewer items"
        number = int(token.removeprefix(_OURS)) if token else 0
        items = list(_items(whole))
        if number > 1:
            self.paged.add(xform_name(operation.name))
        lists: dict[str, list[Any]] = {name: [] for name, value in whole.items() if isinstance(value, list)}
        # The first page is empty, like a page on which a filter matches nothing.
        for name, item in items[number - 1 : number] if number else ():
            lists[name] = [item]
        more = number < len(items)
        truncated = {"IsTruncated": more} if "IsTruncated" in whole else {}
        return {**whole, **lists, **truncated, **({token_out: f"{_OURS}{number + 1}"} if more else {})}

    def _is_due(self) -> bool:
        if self._after:
            self._after -= 1
            return False
        self._times -= 1
        return self._times >= 0

    def _note_stale(self, operation: OperationModel, parameters: Any) -> None:
        if operation.name in {"GetItem", "BatchGetItem"}:
            requested = parameters.get("RequestItems", {"": parameters}).values()
            self.stale[operation.name] += sum(not each.get("ConsistentRead") for each in requested)


def _items(whole: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in whole.items():
        for item in value if isinstance(value, list) else ():
            points = len(item.get("Timestamps", ())) if isinstance(item, dict) else 0
            if points < 2:
                yield name, item
            for index in range(points if points > 1 else 0):
                # The points of a metric are divided over pages, too.
                part = {each: item[each][index : index + 1] for each in _POINTS}
                yield name, {**item, **part, "StatusCode": "Complete" if index == points - 1 else "PartialData"}


def _refuse(call: Any, operation: OperationModel, parameters: dict[str, Any]) -> dict[str, Any]:
    """Run the operation without its first entry, and answer as AWS does when it refuses only this entry.

    If there is only one entry, the operation is not run. If the entries are log events, all of them are refused, and
    the operation is not run.
    """
    member = left_out_of(operation)
    if member == "UnprocessedKeys":
        ((table, requested),) = parameters["RequestItems"].items()
        first, rest = requested["Keys"][:1], requested["Keys"][1:]
        left = {member: {table: {**requested, "Keys": first}}}
        return {**(call({"RequestItems": {table: {**requested, "Keys": rest}}}) if rest else {"Responses": {}}), **left}
    if member == "rejectedLogEventsInfo":
        return {member: {"tooNewLogEventStartIndex": 0}}
    first, rest = parameters["Entries"][0], parameters["Entries"][1:]
    done = call({**parameters, "Entries": rest}) if rest else {"Entries": []}
    if member == "FailedEntryCount":
        return {member: 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}, *done["Entries"]]}
    return {**done, "Failed": [{"Id": first["Id"], "SenderFault": False, "Code": "InternalError", "Message": "no"}]}
