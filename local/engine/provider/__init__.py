"""A stand-in for the AWS provider, for tests and experiments: the engine attaches to it over gRPC.

The stand-in checks inputs against the locked SDK's types. An account (account.py) keeps the resources.
docs/engine.md lists what the stand-in cannot show.
"""
