"""Flow tests: the real handlers over in-memory clients and a queue model, at every crash point and at random."""
