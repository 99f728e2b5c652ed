"""DynamoDB in memory, with parsed expressions, conditional writes, transactions and time to live."""

from lab.simulation.fakes.dynamodb.client import FakeDynamoDB

__all__ = ["FakeDynamoDB"]
