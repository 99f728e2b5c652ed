"""A stand-in for the AWS provider, for tests and for play: the engine attaches to it over gRPC.

It is strict about inputs (the locked SDK's own types) and small about everything else; docs/engine.md lists what it
cannot show.
"""
