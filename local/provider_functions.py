"""Answers of the AWS provider's functions that say where a program runs."""

from collections.abc import Mapping
from typing import Any


def where(account_id: str, region: str, partition: str = "aws") -> Mapping[str, dict[str, Any]]:
    """The answers of the provider functions that say where a program runs."""
    return {
        "aws:index/getCallerIdentity:getCallerIdentity": {
            "accountId": account_id,
            "arn": f"arn:{partition}:iam::{account_id}:root",
            "id": account_id,
            "userId": account_id,
        },
        "aws:index/getPartition:getPartition": {
            "dnsSuffix": "amazonaws.com",
            "id": partition,
            "partition": partition,
            "reverseDnsPrefix": "com.amazonaws",
        },
        "aws:index/getRegion:getRegion": {"id": region, "name": region, "region": region},
    }
