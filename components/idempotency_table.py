"""The table in which Powertools stores its idempotency records."""

from typing import ClassVar

import pulumi
from pydantic import Field

from components.component import Args, Component, Scope
from components.iam import Grant
from components.table import Table, TableArgs


class IdempotencyTableArgs(Args):
    """Settings of an idempotency table.

    Each idempotent function has its own table, so that no other function can change its records.
    """

    deletion_protection: bool = Field(description="Makes AWS refuse every request to delete the table.")
    protect: bool = Field(description="Makes Pulumi refuse a plan that deletes or replaces the table.")


class IdempotencyTable(Component):
    """A table with Powertools' key `id` and TTL attribute `expiration`.

    Outputs: `table_name`, `arn`.
    """

    kind: ClassVar[str] = "IdempotencyTable"

    def __init__(
        self, name: str, scope: Scope, args: IdempotencyTableArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        self._table = Table(
            f"{name}-table",
            scope,
            TableArgs(
                hash_key="id",
                ttl_attribute="expiration",
                # A record has no use after its expiry, so old records need not be restored.
                point_in_time_recovery=False,
                deletion_protection=args.deletion_protection,
                protect=args.protect,
            ),
            self.child(),
        )
        self.table_name, self.arn = self._table.table_name, self._table.arn
        self.register_outputs({"table_name": self.table_name, "arn": self.arn})

    def grant(self) -> Grant:
        """Return the permission that Powertools needs: to put, update, delete and get records."""
        return self._table.grant("GetItem", "PutItem", "UpdateItem", "DeleteItem")
