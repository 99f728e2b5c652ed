"""What the tools decide; no AWS calls."""
