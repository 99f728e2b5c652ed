"""DynamoDB: tables."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, called, compact, gone_is_fine, names, tag_list


class Attribute(Inputs):
    """A key attribute and its type."""

    name: str = called("AttributeName", ...)
    type: str = called("AttributeType", ...)


class Index(Inputs):
    """A secondary index."""

    name: str
    range_key: str | None = None
    hash_key: str | None = None
    projection_type: str
    non_key_attributes: list[str] | None = None


class TimeToLive(Inputs):
    """Which attribute says when an item expires."""

    attribute_name: str
    enabled: bool = False


class PointInTimeRecovery(Inputs):
    """Continuous backups."""

    enabled: bool = called("PointInTimeRecoveryEnabled", ...)
    recovery_period_in_days: int | None = None


class ServerSideEncryption(Inputs):
    """Encryption with a key of our own."""

    enabled: bool
    kms_key_arn: str | None = called("KMSMasterKeyId")


class OnDemandThroughput(Inputs):
    """Ceilings of an on-demand table."""

    max_read_request_units: int | None = None
    max_write_request_units: int | None = None


class TableInputs(Inputs):
    """`aws:dynamodb/table:Table`, on demand."""

    attributes: list[Attribute] = called("AttributeDefinitions", ...)
    hash_key: str
    range_key: str | None = None
    name: str | None = None
    billing_mode: str
    deletion_protection_enabled: bool | None = None
    global_secondary_indexes: list[Index] | None = None
    on_demand_throughput: OnDemandThroughput | None = None
    point_in_time_recovery: PointInTimeRecovery | None = None
    server_side_encryption: ServerSideEncryption | None = None
    stream_enabled: bool | None = None
    stream_view_type: str | None = None
    table_class: str | None = None
    tags: Tags
    ttl: TimeToLive | None = None

    def table(self) -> dict[str, Any]:
        """CreateTable's parameters, the name aside."""
        encryption = self.server_side_encryption
        # These have calls of their own, or another shape there.
        others = ("hash_key", "range_key", "name", "global_secondary_indexes", "point_in_time_recovery", "tags", "ttl")
        return self.parameters(*others, "server_side_encryption", "stream_enabled", "stream_view_type") | compact(
            KeySchema=_key_schema(self.hash_key, self.range_key),
            GlobalSecondaryIndexes=[_index(each) for each in self.global_secondary_indexes]
            if self.global_secondary_indexes
            else None,
            SSESpecification=compact(SSEType="KMS" if encryption.enabled else None) | encryption.parameters()
            if encryption
            else None,
            StreamSpecification=compact(StreamEnabled=True, StreamViewType=self.stream_view_type)
            if self.stream_enabled
            else None,
        )


def _key_schema(hash_key: str, range_key: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    return [*keys, {"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else keys


def _index(index: Index) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.hash_key or "", index.range_key),
        "Projection": compact(ProjectionType=index.projection_type, NonKeyAttributes=index.non_key_attributes),
    }


class Table(Handler[TableInputs]):
    """A table. Its id is its name."""

    pulumi_type = "aws:dynamodb/table:Table"
    model = TableInputs
    updatable = names("deletionProtectionEnabled pointInTimeRecovery tags ttl")

    def create(self, aws: Aws, name: str, inputs: TableInputs) -> Created:
        """Create it, then its time to live and backups, which have calls of their own."""
        table_name = inputs.name or name
        made = aws.dynamodb.create_table(TableName=table_name, Tags=tag_list(inputs.tags), **inputs.table())
        if inputs.ttl:
            self._expire(aws, table_name, inputs.ttl)
        if inputs.point_in_time_recovery:
            self._back_up(aws, table_name, inputs.point_in_time_recovery)
        return Created(table_name, self._outputs(made["TableDescription"]))

    def update(self, aws: Aws, id_: str, old: TableInputs, new: TableInputs) -> Mapping[str, Any]:
        """Change protection, backups, time to live and tags."""
        if old.deletion_protection_enabled != new.deletion_protection_enabled:
            aws.dynamodb.update_table(TableName=id_, DeletionProtectionEnabled=bool(new.deletion_protection_enabled))
        if new.ttl and new.ttl != old.ttl:
            self._expire(aws, id_, new.ttl)
        if new.point_in_time_recovery and new.point_in_time_recovery != old.point_in_time_recovery:
            self._back_up(aws, id_, new.point_in_time_recovery)
        arn = aws.arn("dynamodb", f"table/{id_}")
        if lost := [key for key in old.tags if key not in new.tags]:
            aws.dynamodb.untag_resource(ResourceArn=arn, TagKeys=lost)
        if new.tags:
            aws.dynamodb.tag_resource(ResourceArn=arn, Tags=tag_list(new.tags))
        return self._outputs(aws.dynamodb.describe_table(TableName=id_)["Table"])

    def delete(self, aws: Aws, id_: str, inputs: TableInputs) -> None:
        """Delete it; a protected one refuses, as on AWS."""
        gone_is_fine(aws.dynamodb.delete_table, "ResourceNotFoundException", TableName=id_)

    @staticmethod
    def _expire(aws: Aws, table_name: str, ttl: TimeToLive) -> None:
        specification: Any = ttl.parameters()
        aws.dynamodb.update_time_to_live(TableName=table_name, TimeToLiveSpecification=specification)

    @staticmethod
    def _back_up(aws: Aws, table_name: str, recovery: PointInTimeRecovery) -> None:
        specification: Any = recovery.parameters()
        aws.dynamodb.update_continuous_backups(TableName=table_name, PointInTimeRecoverySpecification=specification)

    @staticmethod
    def _outputs(description: Mapping[str, Any]) -> dict[str, Any]:
        outputs = {"name": description["TableName"], "arn": description["TableArn"]}
        if "LatestStreamArn" in description:
            outputs["streamArn"] = description["LatestStreamArn"]
        return outputs
