"""Condition and update expressions on one item, with AWS's result for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.flow.conformance.backends import Backend
from tests.flow.conformance.scenario import Scenario, code_of

DOCS = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
OPERATORS = DOCS + "Expressions.OperatorsAndFunctions.html"
UPDATES = DOCS + "Expressions.UpdateExpressions.html"

ITEM: dict[str, Any] = {
    "id": {"S": "1"},
    "state": {"S": "ACCEPTED"},
    "number": {"N": "10"},
    "text": {"S": "hello"},
    "flag": {"BOOL": True},
}
HOLDS, FAILS, REFUSED = "ok", "ConditionalCheckFailedException", "ValidationException"
V = {":ten": {"N": "10"}, ":nine": {"N": "9"}, ":eleven": {"N": "11"}, ":he": {"S": "he"}, ":acc": {"S": "ACCEPTED"}}

# Expression and its result on ITEM. A request sends only those values of `_VALUES` that its expression uses.
CONDITIONS: tuple[tuple[str, str], ...] = (
    ("attribute_exists(id)", HOLDS),
    ("attribute_exists(absent)", FAILS),
    ("attribute_not_exists(absent)", HOLDS),
    ("attribute_not_exists(id)", FAILS),
    ("number = :ten", REFUSED),  # NUMBER is a reserved word
    ("#n = :ten", HOLDS),
    ("#n <> :ten", FAILS),
    ("absent <> :ten", HOLDS),
    ("absent = :ten", FAILS),
    ("absent < :ten", FAILS),
    ("NOT absent < :ten", HOLDS),
    ("#n < :eleven", HOLDS),
    ("#n < :nine", FAILS),
    ("#n <= :ten", HOLDS),
    ("#n > :nine", HOLDS),
    ("#n >= :eleven", FAILS),
    ("#n > :he", FAILS),  # a comparison with another type is false
    ("#s IN (:he, :acc)", HOLDS),
    ("#s IN (:he)", FAILS),
    ("#s = :acc AND #n = :ten", HOLDS),
    ("#s = :he OR #n = :ten", HOLDS),
    ("#s = :he OR #s = :acc AND #n = :nine", FAILS),  # AND binds before OR
    ("(#s = :he OR #s = :acc) AND #n = :ten", HOLDS),
    ("NOT #s = :he", HOLDS),
    ("NOT (#s = :acc AND #n = :ten)", FAILS),
    ("NOT #s = :he AND #n = :nine", FAILS),  # NOT binds before AND
    ("flag = :true", HOLDS),
    ("attribute_type(#t, :type_s)", HOLDS),
    ("#n = :ten_point_zero", HOLDS),  # numbers compare by value
    ("ATTRIBUTE_EXISTS(id)", REFUSED),  # functions are case-sensitive
    ("nonsense(id)", REFUSED),
    ("#s = ", REFUSED),
    ("", REFUSED),
    ("#s = :acc)", REFUSED),
    ("#undefined = :acc", REFUSED),
    ("#s = :undefined", REFUSED),
)
_NAMES = {"#n": "number", "#s": "state", "#t": "text"}
_VALUES: dict[str, Any] = {
    **V,
    ":five": {"N": "5"},
    ":true": {"BOOL": True},
    ":type_s": {"S": "S"},
    ":ten_point_zero": {"N": "10.0"},
    ":new": {"S": "new"},
    ":one": {"N": "1"},
}

# Each case is an expression and its result. The result is an error code, or attributes after the update. None means
# that the update removes the attribute. The update leaves all other attributes unchanged.
UPDATE_CASES: tuple[tuple[str, dict[str, Any] | str], ...] = (
    ("SET fresh = :new", {"fresh": {"S": "new"}}),
    ("SET #n = #n + :one", {"number": {"N": "11"}}),
    ("SET #n = #n - :eleven", {"number": {"N": "-1"}}),
    ("SET fresh = if_not_exists(fresh, :new)", {"fresh": {"S": "new"}}),
    ("SET #s = if_not_exists(#s, :new)", {"state": {"S": "ACCEPTED"}}),
    ("SET fresh = if_not_exists(fresh, :five) + :one", {"fresh": {"N": "6"}}),
    ("SET #s = #t, #t = #s", {"state": {"S": "hello"}, "text": {"S": "ACCEPTED"}}),  # reads old values
    ("REMOVE flag", {"flag": None}),
    ("REMOVE absent", {}),
    ("SET fresh = :new REMOVE flag", {"fresh": {"S": "new"}, "flag": None}),
    ("SET fresh = absent", REFUSED),
    ("SET fresh = absent + :one", REFUSED),
    ("SET fresh = #t + :one", REFUSED),
    ("SET id = :new", REFUSED),
    ("SET fresh = :new, fresh = :one", REFUSED),
    ("SET fresh = :new SET other = :one", REFUSED),
    ("SET fresh", REFUSED),
    ("SET fresh = nonsense(:new)", REFUSED),
    ("DROP fresh", REFUSED),
)


@dataclass(frozen=True, slots=True)
class ConditionCase:
    """A case that puts ITEM twice, the second time with a condition."""

    expression: str

    def __call__(self, backend: Backend) -> str:
        table = backend.table()
        backend.dynamodb.put_item(TableName=table, Item=ITEM)
        request = {"ConditionExpression": self.expression, **placeholders(self.expression)}
        return code_of(lambda: backend.dynamodb.put_item(TableName=table, Item=ITEM, **request))


@dataclass(frozen=True, slots=True)
class UpdateCase:
    """A case that updates ITEM and reads it again."""

    expression: str

    def __call__(self, backend: Backend) -> Any:
        table = backend.table()
        backend.dynamodb.put_item(TableName=table, Item=ITEM)
        request = {"UpdateExpression": self.expression, **placeholders(self.expression)}
        code = code_of(lambda: backend.dynamodb.update_item(TableName=table, Key={"id": {"S": "1"}}, **request))
        if code != "ok":
            return code
        stored: dict[str, Any] = dict(backend.dynamodb.get_item(TableName=table, Key={"id": {"S": "1"}})["Item"])
        names = stored.keys() | ITEM.keys()
        return {name: stored.get(name) for name in names if stored.get(name) != ITEM.get(name)}


def placeholders(expression: str) -> dict[str, Any]:
    """Return the names and values that an expression uses, as request parameters."""
    words = set(expression.replace("(", " ").replace(")", " ").replace(",", " ").split())
    request: dict[str, Any] = {}
    names = {name: value for name, value in _NAMES.items() if name in words}
    values = {name: value for name, value in _VALUES.items() if name in words}
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = values
    return request


def _expected_update(changes: dict[str, Any] | str) -> Any:
    if isinstance(changes, str):
        return changes
    return {name: value for name, value in changes.items() if value != ITEM.get(name)}


SCENARIOS: list[Scenario] = [
    *(Scenario(f"condition: {text}", ConditionCase(text), code, OPERATORS) for text, code in CONDITIONS),
    *(Scenario(f"update: {text}", UpdateCase(text), _expected_update(after), UPDATES) for text, after in UPDATE_CASES),
]
