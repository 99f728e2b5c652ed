"""The embedded AWS: an emulator, a deployer that runs the real program against it, and a fault-injecting proxy."""
