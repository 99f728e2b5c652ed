"""The embedded AWS: an emulator, a deployer that runs the real program against it, and the gate in front of it."""
