"""Proxy in front of the emulator: the gate, and for the functions also faults on request."""
