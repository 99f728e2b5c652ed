"""API clients for the embedded AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.keys import Keys
from ops.gateway.session import isolated_session

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

ACCOUNT_ID = "000000000000"

_CONFIG = Config(connect_timeout=2, read_timeout=60, retries={"total_max_attempts": 1}, max_pool_connections=20)


def where(account_id: str, region: str, partition: str = "aws") -> Mapping[str, dict[str, Any]]:
    """Return the answers of Pulumi's functions that look up the account, the partition and the region."""
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


@dataclass(frozen=True)
class Aws:
    """Clients of one emulated account in one region. They call `endpoint_url` as the account's root user.

    They retry no call, because a failing call is a defect here, not a temporary failure. Only the upload of a package
    can fail temporarily; functions.py repeats it.
    """

    endpoint_url: str
    region: str
    keys: Keys
    account_id: str = ACCOUNT_ID
    partition: str = "aws"

    @cached_property
    def session(self) -> boto3.Session:
        """Return a session that ignores the machine's AWS settings."""
        return isolated_session(self.keys.access_key_id, self.keys.secret_access_key, self.region)

    def connect(self) -> "Aws":
        """Make every client now, because making a client is not thread-safe and many threads create resources."""
        for name in (name for name, value in vars(Aws).items() if isinstance(value, cached_property)):
            getattr(self, name)
        return self

    def client(self, service: str) -> Any:
        """Return the client of a service by its botocore name."""
        return getattr(self, {"lambda": "lambda_", "cognito-idp": "cognito"}.get(service, service))

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of `resource` in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    @cached_property
    def apigatewayv2(self) -> "ApiGatewayV2Client":
        return self.session.client("apigatewayv2", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        return self.session.client("cloudwatch", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def cognito(self) -> "CognitoIdentityProviderClient":
        return self.session.client("cognito-idp", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self.session.client("dynamodb", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def events(self) -> "EventBridgeClient":
        return self.session.client("events", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def iam(self) -> "IAMClient":
        return self.session.client("iam", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def lambda_(self) -> "LambdaClient":
        return self.session.client("lambda", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self.session.client("logs", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sns(self) -> "SNSClient":
        return self.session.client("sns", endpoint_url=self.endpoint_url, config=_CONFIG)

    @cached_property
    def sqs(self) -> "SQSClient":
        return self.session.client("sqs", endpoint_url=self.endpoint_url, config=_CONFIG)
