"""What performance claims rest on: ratios measured side by side in one run (docs/simulation.md). No test is timed."""
