"""DynamoDB: tables."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, names, retag, without

_MOVED_INPUTS = ("hashKey", "rangeKey", "serverSideEncryption", "streamEnabled", "streamViewType")


class Table(Handler):
    """A table in on-demand mode. Its id is its name."""

    pulumi_type = "aws:dynamodb/table:Table"
    service, noun, key = "dynamodb", "Table", "TableName"
    renamed: ClassVar = {"name": "TableName", "attributes": "AttributeDefinitions"}
    separate = names("ttl pointInTimeRecovery")
    updatable = names("deletionProtectionEnabled pointInTimeRecovery tags ttl")

    def create(self, aws: Aws, name: str, inputs: Inputs) -> Created:
        """Create the table, then set time to live and backups, which need separate calls."""
        whole = self.whole(name, inputs)
        made = self.send(aws, self.creates, whole)["TableDescription"]
        self._set_ttl_and_backups(aws, whole["name"], {}, inputs)
        return Created(whole["name"], _outputs(made))

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Update deletion protection, backups, time to live and tags."""
        protected = bool(new.get("deletionProtectionEnabled"))
        if protected != bool(old.get("deletionProtectionEnabled")):
            aws.dynamodb.update_table(TableName=id_, DeletionProtectionEnabled=protected)
        self._set_ttl_and_backups(aws, id_, old, new)
        retag(aws.dynamodb, old, new, as_list=True, ResourceArn=aws.arn("dynamodb", f"table/{id_}"))
        return _outputs(aws.dynamodb.describe_table(TableName=id_)["Table"])

    def _set_ttl_and_backups(self, aws: Aws, table: str, old: Inputs, new: Inputs) -> None:
        ttl, backups = new.get("ttl"), new.get("pointInTimeRecovery")
        if ttl and ttl != old.get("ttl"):
            specification = {"enabled": False, **ttl}
            self.call(aws, "UpdateTimeToLive", {"timeToLiveSpecification": specification}, TableName=table)
        if backups and backups != old.get("pointInTimeRecovery"):
            specification = {"pointInTimeRecoveryEnabled": backups["enabled"], **without(backups, "enabled")}
            given = {"pointInTimeRecoverySpecification": specification}
            self.call(aws, "UpdateContinuousBackups", given, TableName=table)

    def shaped(self, inputs: Inputs) -> Inputs:
        """Return the inputs, with keys, indexes, encryption and stream as CreateTable expects them."""
        encryption, indexes = inputs.get("serverSideEncryption"), inputs.get("globalSecondaryIndexes")
        return {
            **without(inputs, *_MOVED_INPUTS),
            "attributes": [{f"attribute{key}": value for key, value in each.items()} for each in inputs["attributes"]],
            "keySchema": _key_schema(inputs),
            "globalSecondaryIndexes": [_index(each) for each in indexes] if indexes else None,
            "sseSpecification": encryption
            and {
                **({"sseType": "KMS"} if encryption["enabled"] else {}),
                **{"kmsMasterKeyId" if key == "kmsKeyArn" else key: value for key, value in encryption.items()},
            },
            "streamSpecification": {"streamEnabled": True, "streamViewType": inputs.get("streamViewType")}
            if inputs.get("streamEnabled")
            else None,
        }


def _key_schema(keys: Inputs) -> list[dict[str, str]]:
    given = ((keys.get("hashKey"), "HASH"), (keys.get("rangeKey"), "RANGE"))
    return [{"attributeName": name, "keyType": kind} for name, kind in given if name]


def _index(index: Inputs) -> Inputs:
    projection = {key: index[key] for key in ("projectionType", "nonKeyAttributes") if key in index}
    rest = without(index, "name", "hashKey", "rangeKey", *projection)
    return {**rest, "indexName": index["name"], "keySchema": _key_schema(index), "projection": projection}


def _outputs(table: Mapping[str, Any]) -> dict[str, Any]:
    stream = {"streamArn": table["LatestStreamArn"]} if "LatestStreamArn" in table else {}
    return {"name": table["TableName"], "arn": table["TableArn"], **stream}
