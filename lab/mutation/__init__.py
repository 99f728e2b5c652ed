"""Mutation tests of `runtime/`: small mistakes in it, one at a time, that the tests must notice (docs/mutation.md)."""
