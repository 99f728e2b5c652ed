"""A DynamoDB table with on-demand capacity and, if configured, protection against deletion."""

from typing import ClassVar, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.iam import Grant, sid

TableAction = Literal["GetItem", "PutItem", "UpdateItem", "DeleteItem"]


class TableArgs(Args):
    """A table with one string key."""

    hash_key: str = Field(min_length=1, max_length=255, description="Name of the partition key, a string.")
    ttl_attribute: str = Field(
        default="",
        description="Name of the attribute with the epoch second at which an item expires. DynamoDB deletes the item "
        "some time later. If the name is empty, items never expire.",
    )
    point_in_time_recovery: bool = Field(description="Lets the table be restored to any second of the last 35 days.")
    deletion_protection: bool = Field(description="Makes AWS refuse every request to delete the table.")
    protect: bool = Field(description="Makes Pulumi refuse a plan that deletes or replaces the table.")


class Table(Component):
    """The table.

    Outputs: `table_name`, `arn`.
    """

    kind: ClassVar[str] = "Table"

    def __init__(self, name: str, scope: Scope, args: TableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        ttl = aws.dynamodb.TableTtlArgs(attribute_name=args.ttl_attribute, enabled=True) if args.ttl_attribute else None
        table = aws.dynamodb.Table(
            name,
            aws.dynamodb.TableArgs(
                name=scope.name(name),
                billing_mode="PAY_PER_REQUEST",
                hash_key=args.hash_key,
                attributes=[aws.dynamodb.TableAttributeArgs(name=args.hash_key, type="S")],
                ttl=ttl,
                point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=args.point_in_time_recovery),
                deletion_protection_enabled=args.deletion_protection,
                server_side_encryption=_encryption(scope),
                tags=scope.tags,
            ),
            self.child(protect=args.protect),
        )
        self.table_name, self.arn = table.name, table.arn
        self.register_outputs({"table_name": self.table_name, "arn": self.arn})

    def grant(self, *actions: TableAction) -> Grant:
        """Return the permission for `actions` on the table.

        A transaction has no action of its own. It needs the action of each operation in it, such as
        `UpdateItem`.
        """
        return Grant(
            sid=sid(self.logical_name), actions=tuple(f"dynamodb:{action}" for action in actions), resources=(self.arn,)
        )


def _encryption(scope: Scope) -> aws.dynamodb.TableServerSideEncryptionArgs | None:
    """Return the encryption with the scope's key, or `None` without a key: DynamoDB then encrypts with its own key."""
    if scope.key_arn is None:
        return None
    return aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=scope.key_arn)
