"""Flow tests: the real handlers over in-memory clients and a queue model, with every crash point and random
histories."""
