"""A transparent HTTP proxy between the functions and the emulator that injects faults on request."""
