"""boto3 clients for one stack, and checks that they reach the right stack."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ProfileNotFound

from ops.errors import NoAccessError, NoStackError
from ops.gateway.session import isolated_session
from ops.target import Credentials, Target

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

# In adaptive mode, the client slows down when AWS throttles, instead of only trying again.
CONFIG: Final = Config(
    connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 8, "mode": "adaptive"}, tcp_keepalive=True
)


def open_session(region: str | None, credentials: Credentials | None) -> boto3.Session:
    """Open a session. A session with `credentials` (those of the local stack) ignores the machine's AWS settings."""
    if credentials is None:
        return boto3.Session(region_name=region)
    return isolated_session(credentials.aws_access_key_id, credentials.aws_secret_access_key, region)


@dataclass(frozen=True)
class Clients:
    """One client per service, created at its first use."""

    target: Target

    def check(self) -> None:
        """Check that the credentials are valid and of the stack's account.

        Another account can have tables with the same names.

        Raises:
            NoAccessError: the credentials are of another account, or the machine's AWS settings cannot be used.
        """
        account = self._first().get_caller_identity()["Account"]
        if account != self.target.account:
            raise NoAccessError(
                f"These credentials are of account {account}; {self.target.label} is in account {self.target.account}. "
                "Nothing was changed. Choose the right profile with AWS_PROFILE."
            )

    def _first(self) -> "STSClient":
        """Create the first client, which reads the machine's AWS settings."""
        try:
            return self.sts
        except ProfileNotFound:
            raise
        except (BotoCoreError, ValueError) as error:
            raise NoAccessError(
                f"This machine's AWS settings cannot be used: {error}. They are in the AWS_ variables, such as "
                "AWS_PROFILE and AWS_CONFIG_FILE, and in the files ~/.aws/config and ~/.aws/credentials."
            ) from None

    def check_queues(self) -> None:
        """Check that the two queues belong together. Call it before receiving from or sending to them.

        Raises:
            NoStackError: the dead-letter queue does not belong to the orders queue, or it has a redrive policy itself.
        """
        orders, dead = (
            self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            for url in (self.target.orders_queue_url, self.target.dead_letter_queue_url)
        )
        destination = json.loads(orders.get("RedrivePolicy", "{}")).get("deadLetterTargetArn")
        if destination != dead["QueueArn"]:
            raise NoStackError(
                f"{dead['QueueArn']} is not the dead-letter queue of {orders['QueueArn']} "
                f"(whose dead-letter queue is {destination}). "
                "These are not one stack's queues; nothing was changed. Read the stack's outputs again."
            )
        if "RedrivePolicy" in dead:
            raise NoStackError(
                f"{dead['QueueArn']} has its own redrive policy. Each time a command reads a message, SQS counts "
                "a receive, and may then move the message to another queue. Remove that policy first; nothing was "
                "changed."
            )

    @cached_property
    def session(self) -> boto3.Session:
        """A session in the stack's Region."""
        return open_session(self.target.region, self.target.credentials)

    @cached_property
    def sqs(self) -> "SQSClient":
        """The client of SQS."""
        return self.session.client("sqs", endpoint_url=self.target.endpoint_url, config=CONFIG)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The client of DynamoDB."""
        return self.session.client("dynamodb", endpoint_url=self.target.endpoint_url, config=CONFIG)

    @cached_property
    def sns(self) -> "SNSClient":
        """The client of SNS."""
        return self.session.client("sns", endpoint_url=self.target.endpoint_url, config=CONFIG)

    @cached_property
    def events(self) -> "EventBridgeClient":
        """The client of EventBridge."""
        return self.session.client("events", endpoint_url=self.target.endpoint_url, config=CONFIG)

    @cached_property
    def lambda_(self) -> "LambdaClient":
        """The client of Lambda."""
        return self.session.client("lambda", endpoint_url=self.target.endpoint_url, config=CONFIG)

    @cached_property
    def codedeploy(self) -> Any:
        """The client of CodeDeploy."""
        return self.session.client("codedeploy", endpoint_url=self.target.endpoint_url, config=CONFIG)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """The client of CloudWatch."""
        return self.session.client("cloudwatch", endpoint_url=self.target.endpoint_url, config=CONFIG)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """The client of CloudWatch Logs."""
        return self.session.client("logs", endpoint_url=self.target.endpoint_url, config=CONFIG)

    @cached_property
    def sts(self) -> "STSClient":
        """The client of STS."""
        return self.session.client("sts", endpoint_url=self.target.endpoint_url, config=CONFIG)
