"""Benchmarks that performance claims rest on: ratios measured side by side in one run. No test is timed."""
