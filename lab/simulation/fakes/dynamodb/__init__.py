"""DynamoDB in memory: a real parser for expressions, conditional writes, transactions, time to live."""

from lab.simulation.fakes.dynamodb.client import FakeDynamoDB

__all__ = ["FakeDynamoDB"]
