"""Mutation tests: makes small mistakes in the code, one at a time, which the tests must notice (docs/mutation.md)."""
