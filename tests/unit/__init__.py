"""Tests of the runtime alone: logic, contract, models."""
