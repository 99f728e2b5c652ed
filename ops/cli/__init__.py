"""Command line: parses arguments, calls the gateways and shows the results."""
