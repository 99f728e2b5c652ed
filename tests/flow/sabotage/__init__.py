"""Deliberate mistakes in the real code, and the tests that must notice each: a test that cannot fail proves nothing."""
