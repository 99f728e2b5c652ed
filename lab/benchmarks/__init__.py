"""Benchmarks for the claims about performance: ratios, measured side by side in one run. No test checks the ratios."""
