"""Tests of the tools that delivery runs."""
