"""The embedded AWS: an emulator, the gate in front of it, and a deployer that runs the real program against both."""
