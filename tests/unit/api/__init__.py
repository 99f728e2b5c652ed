"""Tests of the two HTTP endpoints."""
