"""Benchmarks for the claims about performance: ratios that are measured side by side in one run. No test is timed."""
