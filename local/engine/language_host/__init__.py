"""A stand-in for `pulumi-language-python`, which the engine starts to run a Python program.

Pulumi's own host is a Go program. An engine that is built from its public modules (local/engine) uses this host
instead. This host has the same protocol and runs the program with the SDK's own script.
"""
