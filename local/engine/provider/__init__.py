"""A stand-in for the AWS provider, for tests and experiments: the engine attaches to it over gRPC.

The stand-in checks inputs strictly against the locked SDK's own types and does little else; docs/engine.md lists what
it cannot show.
"""
