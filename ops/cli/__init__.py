"""The command line: parses, asks the gateways, and shows."""
