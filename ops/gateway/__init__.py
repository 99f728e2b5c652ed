"""The only code of the tools that calls AWS: one small module per use of a service."""
