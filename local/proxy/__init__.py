"""The proxy in front of the emulator: it checks access and, for the functions, injects faults."""
