"""Replaces `pulumi-language-python`, the process that runs a Python program for the engine.

Pulumi's own host is a Go program. Its module is not on the Go module proxy, so local/engine cannot
build it. The engine that local/engine builds uses this host instead. This host has the same
protocol and runs the program with the SDK's own script.
"""
