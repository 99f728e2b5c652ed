"""Generates docs/events/ from the models: a JSON Schema of the `data` of each type of event.

python -m lab.docs.events            write the schemas
python -m lab.docs.events --check    exit 1 if a schema differs from the code
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from lab.docs import page
from runtime.logic.event import EVENT_TYPES
from runtime.models.answers import LineView, ReasonView
from runtime.models.fields import Currency, OrderId, Timestamp, Total
from runtime.models.order import OptionalFields, OrderStatus

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "events"


class _Data(OptionalFields):
    order_id: OrderId
    total: Total
    currency: Currency
    lines: tuple[LineView, ...] = Field(description="The lines as they were ordered.")
    accepted_at: Timestamp
    settled_at: Timestamp


class _Confirmed(_Data):
    status: Literal["CONFIRMED"]


class _Rejected(_Data):
    status: Literal["REJECTED"]
    reason: ReasonView


_MODELS: Final[dict[OrderStatus, type[BaseModel]]] = {
    OrderStatus.CONFIRMED: _Confirmed,
    OrderStatus.REJECTED: _Rejected,
}


def path_of(event_type: str) -> Path:
    """Return the path of an event type's schema."""
    return FOLDER / f"{event_type}.schema.json"


def schema(status: OrderStatus) -> str:
    """Return the schema of an event's `data`, for the event that announces this final status."""
    document = _without_nulls(_MODELS[status].model_json_schema(mode="serialization"))
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"data of {EVENT_TYPES[status]}",
        "description": "Members that have no value are left out. A later version may add members: ignore them.",
    }
    return json.dumps({**document, **head}, indent=2, ensure_ascii=False) + "\n"


def _without_nulls(schema: Any) -> Any:
    """Return the schema without nulls and defaults, because an event leaves out members without a value."""
    if isinstance(schema, list):
        return [_without_nulls(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _without_nulls(value) for name, value in schema.items() if name != "default"}
    allowed = [each for each in kept.pop("anyOf", ()) if each != {"type": "null"}]
    return {**kept, **allowed[0]} if allowed else kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the schemas. Return 1 if a check finds a difference."""
    pages = {path_of(kind): lambda status=status: schema(status) for status, kind in EVENT_TYPES.items()}
    FOLDER.mkdir(exist_ok=True)
    return page.run("python -m lab.docs.events", pages, arguments)


if __name__ == "__main__":
    sys.exit(main())
