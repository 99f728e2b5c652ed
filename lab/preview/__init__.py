"""Previews of the dev stack by Pulumi's engine (docs/preview-dev.txt), and copies of the program for tests."""
