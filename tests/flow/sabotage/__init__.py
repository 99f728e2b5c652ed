"""Deliberate mistakes in the real code, and for each the test that must fail."""
