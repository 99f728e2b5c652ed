"""What performance claims rest on: ratios measured side by side in one run (ADR 0002, ADR 0004). No test is timed."""
