"""A stand-in for `pulumi-language-python`, which the engine starts to run a Python program.

Pulumi's own host is a Go program. Where the engine is built from its public modules (local/engine), this one takes its
place: the same protocol, and the SDK's own script runs the program.
"""
