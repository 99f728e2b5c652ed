"""Tests of the runtime without a deployed stack."""
